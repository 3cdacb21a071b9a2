// kasetsu completion: what a shell needs to complete commands, flags and their values, made from
// the program itself.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

struct Flag {
  std::string name;                 // "--method"
  std::string text;                 // what it says of itself
  std::vector<std::string> values;  // of an option with a list
  bool takes_value = false;
};

struct Command {
  std::string path;  // "campaign apply"; empty: the program
  std::string text;
  std::vector<std::string> commands;
  std::vector<Flag> flags;
};

// "TEXT:{a,b}" -> a, b.
std::vector<std::string> values_of(const std::string& type) {
  std::vector<std::string> values;
  const std::size_t open = type.find(":{");
  if (open == std::string::npos || !type.ends_with('}')) return values;
  std::string rest = type.substr(open + 2, type.size() - open - 3);
  for (std::size_t at = 0; at <= rest.size();) {
    const std::size_t comma = std::min(rest.find(',', at), rest.size());
    values.push_back(rest.substr(at, comma - at));
    at = comma + 1;
  }
  return values;
}

void collect(const CLI::App& app, const std::string& path, std::vector<Command>& all) {
  Command command;
  command.path = path;
  command.text = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      Flag flag;
      flag.name = "--" + name;
      flag.text = option->get_description();
      flag.takes_value = option->get_expected_max() > 0;
      flag.values = values_of(option->get_type_name());
      command.flags.push_back(std::move(flag));
    }
  }
  const auto children = app.get_subcommands(nullptr);
  for (const CLI::App* child : children) command.commands.push_back(child->get_name());
  all.push_back(std::move(command));
  for (const CLI::App* child : children)
    collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), all);
}

std::string words_of(const Command& command) {
  std::vector<std::string> words = command.commands;
  for (const Flag& flag : command.flags) words.push_back(flag.name);
  return fmt::format("{}", fmt::join(words, " "));
}

std::string quoted(std::string text) {
  for (std::size_t at = text.find('\''); at != std::string::npos; at = text.find('\'', at + 4))
    text.replace(at, 1, "'\\''");
  return '\'' + text + '\'';
}

std::string bash_script(const std::vector<Command>& all) {
  std::string text =
      "# bash completion for kasetsu. In ~/.bashrc: source <(kasetsu completion bash)\n"
      "_kasetsu() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path=\"\" "
      "words=\"\" "
      "i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$path ${COMP_WORDS[i]}\" in\n";
  std::string known;
  for (const Command& command : all) {
    if (command.path.empty()) continue;
    const std::size_t last = command.path.rfind(' ');
    const std::string parent = last == std::string::npos ? "" : command.path.substr(0, last);
    const std::string name =
        last == std::string::npos ? command.path : command.path.substr(last + 1);
    known += fmt::format("      \"{} {}\") path=\"{}\" ;;\n", parent, name, command.path);
  }
  text += known + "    esac\n  done\n  case \"$path:$before\" in\n";
  for (const Command& command : all) {
    for (const Flag& flag : command.flags) {
      if (flag.values.empty()) continue;
      text += fmt::format("    \"{}:{}\") words=\"{}\" ;;\n", command.path, flag.name,
                          fmt::join(flag.values, " "));
    }
  }
  text += "  esac\n  if [ -z \"$words\" ]; then case \"$path\" in\n";
  for (const Command& command : all)
    text += fmt::format("    \"{}\") words=\"{}\" ;;\n", command.path, words_of(command));
  return text +
         "  esac; fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "}\n"
         "complete -o default -F _kasetsu kasetsu\n";
}

std::string zsh_script(const std::vector<Command>& all) {
  std::string text =
      "#compdef kasetsu\n"
      "# zsh completion for kasetsu: kasetsu completion zsh > ~/.zfunc/_kasetsu, with ~/.zfunc in "
      "fpath\n"
      "_kasetsu() {\n"
      "  local path=\"\" i\n"
      "  local -a entries\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    case \"$path ${words[i]}\" in\n";
  for (const Command& command : all) {
    if (command.path.empty()) continue;
    const std::size_t last = command.path.rfind(' ');
    text += fmt::format("      \"{} {}\") path=\"{}\" ;;\n",
                        last == std::string::npos ? "" : command.path.substr(0, last),
                        last == std::string::npos ? command.path : command.path.substr(last + 1),
                        command.path);
  }
  text += "    esac\n  done\n  case \"$path:${words[CURRENT-1]}\" in\n";
  for (const Command& command : all) {
    for (const Flag& flag : command.flags) {
      if (flag.values.empty()) continue;
      text += fmt::format("    \"{}:{}\") compadd {}; return ;;\n", command.path, flag.name,
                          fmt::join(flag.values, " "));
    }
  }
  text += "  esac\n  case \"$path\" in\n";
  const auto entry = [](const std::string& name, const std::string& what) {
    std::string safe = what;
    for (std::size_t at = safe.find(':'); at != std::string::npos; at = safe.find(':', at + 2))
      safe.replace(at, 1, "\\:");
    return " " + quoted(name + ":" + safe);
  };
  for (const Command& command : all) {
    text += fmt::format("    \"{}\") entries=(", command.path);
    for (const Command& child : all) {
      const std::size_t last = child.path.rfind(' ');
      const std::string parent = last == std::string::npos ? "" : child.path.substr(0, last);
      if (child.path.empty() || parent != command.path) continue;
      text +=
          entry(last == std::string::npos ? child.path : child.path.substr(last + 1), child.text);
    }
    for (const Flag& flag : command.flags) text += entry(flag.name, flag.text);
    text += ") ;;\n";
  }
  return text +
         "  esac\n"
         "  _describe kasetsu entries\n"
         "  _files\n"
         "}\n"
         "compdef _kasetsu kasetsu\n";
}

std::string fish_script(const std::vector<Command>& all) {
  std::string text =
      "# fish completion for kasetsu: kasetsu completion fish > "
      "~/.config/fish/completions/kasetsu.fish\n";
  for (const Command& command : all) {
    const std::size_t last = command.path.rfind(' ');
    const std::string parent = last == std::string::npos ? "" : command.path.substr(0, last);
    const std::string name =
        last == std::string::npos ? command.path : command.path.substr(last + 1);
    const auto condition = [](const std::string& path) {
      if (path.empty()) return std::string("__fish_use_subcommand");
      std::string seen;
      for (std::size_t at = 0; at <= path.size();) {
        const std::size_t space = std::min(path.find(' ', at), path.size());
        seen += (seen.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") +
                path.substr(at, space - at);
        at = space + 1;
      }
      return seen;
    };
    if (!command.path.empty()) {
      text += fmt::format("complete -c kasetsu -f -n {} -a {} -d {}\n", quoted(condition(parent)),
                          name, quoted(command.text));
    }
    for (const Flag& flag : command.flags) {
      text += fmt::format(
          "complete -c kasetsu -n {} -l {}{} -d {}\n", quoted(condition(command.path)),
          flag.name.substr(2),
          flag.values.empty()
              ? flag.takes_value ? " -r" : ""
              : fmt::format(" -x -a {}", quoted(fmt::format("{}", fmt::join(flag.values, " ")))),
          quoted(flag.text));
    }
  }
  return text;
}

}  // namespace

void add_completion(CLI::App& app, Session& session) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "completion of commands for a shell");
  command->footer(
      "  source <(kasetsu completion bash)                  (in ~/.bashrc)\n"
      "  kasetsu completion fish > ~/.config/fish/completions/kasetsu.fish");
  command->group("Operation");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->add_flag("--json", session.json, "one JSON document instead of text");
  command->callback([shell, &app, &session] {
    session.action = [=, &app, &session]() -> Status {
      std::vector<Command> all;
      collect(app, "", all);
      const std::string text = *shell == "bash"  ? bash_script(all)
                               : *shell == "zsh" ? zsh_script(all)
                                                 : fish_script(all);
      if (session.json) {
        session.print_json({{"shell", *shell}, {"script", text}});
      } else {
        session.print(text);
      }
      return {};
    };
  });
}

}  // namespace kasetsu::cli
