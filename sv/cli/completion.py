"""Scripts that complete our commands, made of the parsers that read them: what a command takes is said once.

An offer is what may come after some words: `sv`, `sv project`, `sv project create`. Values are completed where they are a choice; others
are left to the shell, which offers files.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from sv.settings.definition import definitions

HELP_CHARS: Final = 70


class Option(Struct, frozen=True):
    """flags: `--port`, or `-n` and `--lines`. values: those there are, none where any may be given."""

    flags: tuple[str, ...]
    help: str
    takes_value: bool
    values: tuple[str, ...]


class Offer(Struct, frozen=True):
    """What may come next after some words. commands: each with what it does. values: of the positional argument."""

    words: tuple[str, ...]
    commands: dict[str, str]
    options: tuple[Option, ...]
    values: tuple[str, ...] = ()


def offers_of(commands: Mapping[str, str], parsers: Mapping[str, argparse.ArgumentParser]) -> list[Offer]:
    """The offers after `sv` itself, then after each command and its subcommands."""
    own = (Option(("--help",), "what there is", False, ()), Option(("--version",), "which version this is", False, ()))
    found = [Offer((), dict(commands), own)]
    for name, parser in parsers.items():
        found += _walk((name,), parser)
    return found


def _walk(words: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[Offer]:
    below: dict[str, argparse.ArgumentParser] = {}
    told: dict[str, str] = {}
    options: list[Option] = []
    values: tuple[str, ...] = ()
    words_of_settings = {setting.flag: setting.about.kind.options for setting in definitions()}  # read by them, not by argparse
    actions: list[Any] = parser._actions  # pyright: ignore[reportPrivateUsage] - argparse has no public way to read a parser
    for action in actions:
        if action.help == argparse.SUPPRESS:
            continue
        if isinstance(action, argparse._SubParsersAction):  # pyright: ignore[reportPrivateUsage]
            below |= {str(name): each for name, each in action.choices.items()}
            told |= {str(each.dest): _short(each.help) for each in action._choices_actions}  # pyright: ignore[reportPrivateUsage]
        elif action.option_strings:
            choices = tuple(str(each) for each in action.choices or words_of_settings.get(action.option_strings[0], ()))
            options.append(Option(tuple(action.option_strings), _short(action.help), action.nargs != 0, choices))
        elif action.choices:
            values = tuple(str(each) for each in action.choices)
    yield Offer(words, {name: told.get(name, "") for name in below}, tuple(options), values)
    for name, each in below.items():
        yield from _walk((*words, name), each)


def _short(text: str | None) -> str:
    """A description's first words, on one line and without what a shell's lists use themselves."""
    whole = " ".join((text or "").replace("%%", "%").split()).partition(" [")[0]
    return whole if len(whole) <= HELP_CHARS else f"{whole[: HELP_CHARS - 1]}…"


def _after_values(offers: Iterable[Offer]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(`words/--flag`, its values) for every flag that takes one."""
    for offer in offers:
        for option in offer.options:
            for flag in option.flags:
                if option.takes_value:
                    yield f"{_path(offer.words)}/{flag}", option.values


def _path(words: tuple[str, ...]) -> str:
    return "".join(f" {word}" for word in words)


def _names(offer: Offer) -> list[str]:
    return [*offer.commands, *offer.values, *(flag for option in offer.options for flag in option.flags)]


def _known_paths(offers: Iterable[Offer]) -> str:
    return "|".join(f'"{_path(offer.words)}"' for offer in offers if offer.words)


def bash(offers: list[Offer]) -> str:
    values = "".join(f'    "{place}") offered="{" ".join(given)}"; is_value=1 ;;\n' for place, given in _after_values(offers))
    names = "".join(f'    "{_path(offer.words)}") offered="{" ".join(_names(offer))}" ;;\n' for offer in offers)
    return f"""# Completes sv in bash, by `source <(sv completion bash)`
_sv() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" at="" offered="" is_value="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at ${{COMP_WORDS[i]}}" in
    {_known_paths(offers)}) at="$at ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$at/$previous" in
{values}  esac
  if [[ -z $is_value ]]; then
    case "$at" in
{names}    esac
  fi
  COMPREPLY=($(compgen -W "$offered" -- "$word"))
}}
complete -o default -F _sv sv
"""


def zsh(offers: list[Offer]) -> str:
    values = ""
    for place, given in _after_values(offers):
        values += f'    "{place}") {"compadd -- " + " ".join(given) if given else "_files"}; return ;;\n'
    names = "".join(f'    "{_path(offer.words)}") offered=({_described(offer)}) ;;\n' for offer in offers)
    return f"""#compdef sv
# Completes sv in zsh, by `source <(sv completion zsh)`
_sv() {{
  local at="" i
  local -a offered
  for ((i = 2; i < CURRENT; i++)); do
    case "$at ${{words[i]}}" in
    {_known_paths(offers)}) at="$at ${{words[i]}}" ;;
    esac
  done
  case "$at/${{words[CURRENT-1]}}" in
{values}  esac
  case "$at" in
{names}  esac
  _describe sv offered || _files
}}
compdef _sv sv
"""


def _described(offer: Offer) -> str:
    pairs = [*offer.commands.items(), *((value, "") for value in offer.values)]
    pairs += [(flag, option.help) for option in offer.options for flag in option.flags]
    return " ".join(_quoted_sh(f"{name}:{told}" if told else name) for name, told in pairs)


def _quoted_sh(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish(offers: list[Offer]) -> str:
    lines = ["# Completes sv in fish, by `sv completion fish > ~/.config/fish/completions/sv.fish`"]
    for offer in offers:
        seen = [f"__fish_seen_subcommand_from {word}" for word in offer.words]
        if offer.commands:
            seen.append(f"not __fish_seen_subcommand_from {' '.join(offer.commands)}")
        condition = f"-n {_quoted_fish('; and '.join(seen))}" if seen else ""
        for name, told in [*offer.commands.items(), *((value, "") for value in offer.values)]:
            lines.append(f"complete -c sv {condition} -f -a {name}" + (f" -d {_quoted_fish(told)}" if told else ""))
        for option in offer.options:
            flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
            value = (f" -x -a {_quoted_fish(' '.join(option.values))}" if option.values else " -r") if option.takes_value else ""
            lines.append(f"complete -c sv {condition} {flags}{value} -d {_quoted_fish(option.help)}")
    return "\n".join(lines) + "\n"


def _quoted_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SCRIPTS: Final[dict[str, Callable[[list[Offer]], str]]] = {"bash": bash, "zsh": zsh, "fish": fish}
