"""The command `tscnn completion`: scripts that complete commands and options in a shell."""

from __future__ import annotations

import argparse
import sys

__all__ = ["run"]

_BASH = """\
_tscnn() {{
  local words=""
  if [[ ${{COMP_CWORD}} -eq 1 ]]; then words="{commands}"; fi
  if [[ $2 == -* ]]; then case "${{COMP_WORDS[1]}}" in
{cases}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$2"))
}}
complete -o bashdefault -o default -F _tscnn tscnn
"""


def run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    """Print a script, made of the parser."""
    (chosen,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    helps = {action.dest: action.help or "" for action in chosen._choices_actions}
    options = {name: [each for each in own._actions if each.option_strings] for name, own in chosen.choices.items()}
    if args.shell == "fish":
        lines = [f"complete -c tscnn -n __fish_use_subcommand -f -a {n} -d {_quote(h)}" for n, h in helps.items()]
        lines += [_fish_option(name, each) for name, own in options.items() for each in own]
        sys.stdout.write("\n".join(lines) + "\n")
        return 0
    words = {name: " ".join(text for each in own for text in each.option_strings) for name, own in options.items()}
    cases = "\n".join(f'  {name}) words="{own}" ;;' for name, own in words.items())
    script = _BASH.format(commands=" ".join(words), cases=cases)
    sys.stdout.write(("autoload -U +X bashcompinit && bashcompinit\n" if args.shell == "zsh" else "") + script)
    return 0


def _fish_option(command: str, action: argparse.Action) -> str:
    """Write the line of one option."""
    names = " ".join(f"-l {text[2:]}" if text.startswith("--") else f"-s {text[1:]}" for text in action.option_strings)
    takes = "" if action.nargs == 0 else " -r"
    choices = "" if action.choices is None else f" -f -a {_quote(' '.join(map(str, action.choices)))}"
    said = _quote((action.help or "").replace("%%", "%").replace(" (default: %(default)s)", ""))
    return f"complete -c tscnn -n '__fish_seen_subcommand_from {command}' {names}{takes}{choices} -d {said}"


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
