import { render } from "preact";
import "./style/tokens.css";
import "./style/base.css";
import "./style/layout.css";
import "./style/components.css";
import { App } from "./app.tsx";
import { watchDay } from "./state/day.ts";
import { startRouter } from "./state/router.ts";
import { loadMe, watchLogin } from "./state/session.ts";
import { startTheme } from "./state/theme.ts";

startTheme();
startRouter();
watchLogin();
watchDay();
void loadMe();
const root = document.getElementById("app");
if (root) {
  root.replaceChildren(); // what is there for whoever doesn't get as far
  render(<App />, root);
}
