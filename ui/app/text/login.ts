export const login = {
  title: "Log in",
  heading: "Log in to Session Vision",
  email: "E-mail",
  password: "Password",
  submit: "Log in",
  ended: "Your login has ended. Log in again to go on: what you typed is still there.",
  busy: "Logging in…",
  wrong: "This e-mail and this password don’t belong together.",
  tooMany: (seconds: number) => `Too many tries. The next one is taken in ${seconds} seconds.`,
  hint: "The first start of the server printed a login. “sv user” makes others.",
};
