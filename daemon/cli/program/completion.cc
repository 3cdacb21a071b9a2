// kasetsu completion: what bash needs to complete commands, flags and their values, made from
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
  std::vector<std::string> values;  // of an option with a list
};

struct Command {
  std::string path;  // "campaign apply"; empty: the program
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
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      command.flags.push_back({"--" + name, values_of(option->get_type_name())});
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

}  // namespace

void add_completion(CLI::App& app, Session& session) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "completion of commands for the shell bash");
  command->footer("  source <(kasetsu completion bash)                  (in ~/.bashrc)");
  command->group("Operation");
  command->add_option("SHELL", *shell, "bash")->required()->check(CLI::IsMember({"bash"}));
  command->add_flag("--json", session.json, "one JSON document instead of text");
  command->callback([shell, &app, &session] {
    session.action = [=, &app, &session]() -> Status {
      std::vector<Command> all;
      collect(app, "", all);
      const std::string text = bash_script(all);
      if (session.json) return session.show({{"shell", *shell}, {"script", text}}, "");
      session.print_data(text);
      return {};
    };
  });
}

}  // namespace kasetsu::cli
