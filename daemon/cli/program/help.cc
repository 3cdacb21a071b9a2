#include "daemon/cli/program/help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <vector>

#include "core/base/text.h"

namespace kasetsu::cli {
namespace {

class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return CLI::Formatter::make_help(app, name, mode);
    std::string text = app->get_description() + "\n\n";
    if (!app->get_footer().empty()) text += app->get_footer() + "\n\n";
    if (app->get_parent() == nullptr) return text + overview(*app);
    text += make_usage(app, name);
    text += make_positionals(app);
    text += make_groups(app, mode);
    text += make_subcommands(app, mode);
    for (std::size_t at = text.find("\n\n\n"); at != std::string::npos;
         at = text.find("\n\n\n", at)) {
      text.erase(at, 1);
    }
    return text;
  }

  // "--method afe|extended", "--size N", "--target TEXT": what may follow, and no more.
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    const std::size_t colon = type.find(':');
    std::string value = type.substr(0, colon);
    if (value.empty()) return "";
    if (value == "INT" || value == "UINT") value = "N";
    if (value == "FLOAT") value = "X";
    if (colon != std::string::npos && type[colon + 1] == '{' && type.size() - colon < 40) {
      value = type.substr(colon + 2, type.size() - colon - 3);
      std::replace(value.begin(), value.end(), ',', '|');
    }
    if (option->get_positional() && option->get_lnames().empty()) return "";
    return " " + value + (option->get_expected_max() > 1 ? " ..." : "");
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (!option->get_default_str().empty()) text += " [" + option->get_default_str() + "]";
    if (option->get_required() && !option->get_positional()) text += " (required)";
    return text;
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    while (usage.size() > 1 && usage[0] == '\n') usage.erase(0, 1);
    return usage;
  }

 private:
  // One line a command for the daily work and one line for the rest, so that the whole fits a
  // screen of 24 lines.
  static std::string overview(const CLI::App& app) {
    std::string text;
    std::vector<std::string> groups;
    for (const CLI::App* command : app.get_subcommands(nullptr)) {
      if (std::find(groups.begin(), groups.end(), command->get_group()) == groups.end()) {
        groups.push_back(command->get_group());
      }
    }
    for (const std::string& group : groups) {
      const bool rest = group == kMoreGroup || group == kOperationGroup;
      std::vector<std::string> names;
      if (!rest) text += group + ":\n";
      for (const CLI::App* command : app.get_subcommands(nullptr)) {
        if (command->get_group() != group) continue;
        names.push_back(command->get_name());
        if (rest) continue;
        text += fmt::format("  {:<11} {}\n", command->get_name(), command->get_description());
      }
      if (rest) text += fmt::format("{}: {}\n", group, fmt::join(names, ", "));
    }
    text +=
        "kasetsu COMMAND --help tells more. Exit codes: 0 ok, 1 failure, 2 usage,\n"
        "65 bad data, 69 no daemon, 75 busy, 130 interrupted.\n";
    return text;
  }
};

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::string hint(const std::string& wanted, const std::vector<std::string>& names) {
  const auto near = nearest_names(wanted, names, 1);
  return near.empty() ? "" : fmt::format("; did you mean {}?", near[0]);
}

}  // namespace

void set_help(CLI::App& app) {
  auto formatter = std::make_shared<ExamplesFirst>();
  formatter->column_width(26);
  app.formatter(formatter);
  app.set_help_flag("-h,--help", "this text");
}

std::string explain_usage(const CLI::App& app, const std::vector<std::string>& words,
                          const std::string& fallback) {
  const CLI::App* here = &app;
  std::string path = "kasetsu";
  std::size_t at = 0;
  for (; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (!word.empty() && word[0] == '-') break;
    const auto names = command_names(*here);
    if (names.empty()) break;
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      return fmt::format("there is no command \"{} {}\"{}", path, word, hint(word, names));
    }
    here = here->get_subcommand(word);
    path += ' ' + word;
  }
  const auto flags = flag_names(*here);
  for (; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word == "--") break;
    if (word.size() < 3 || word.substr(0, 2) != "--") continue;
    const std::string name = word.substr(0, word.find('='));
    if (std::find(flags.begin(), flags.end(), name) == flags.end()) {
      return fmt::format("{} has no option {}{}", path, name, hint(name, flags));
    }
  }
  const auto names = command_names(*here);
  if (!names.empty()) {
    return fmt::format("{} needs a command: {}", path, join_or(names));
  }
  return fmt::format("{}: {}", path, fallback);
}

}  // namespace kasetsu::cli
