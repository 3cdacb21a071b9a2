#include "daemon/campaign/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "core/chemistry/element.h"
#include "core/text.h"
#include "daemon/campaign/json.h"

namespace kasetsu::campaign {
namespace {

using planning::Candidate;
using planning::Strategy;

// TOML and JSON as one tree, so that one decoder reads both.
struct Node {
  enum class Kind { null, boolean, integer, real, text, array, table, date } kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0.0;
  std::string text;
  std::vector<Node> items;
  std::vector<std::pair<std::string, Node>> members;
  int line = 0;  // 0: not known

  const Node* find(std::string_view name) const {
    for (const auto& [key, value] : members) {
      if (key == name) return &value;
    }
    return nullptr;
  }
};

std::string kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::boolean:
      return "true or false";
    case Node::Kind::integer:
      return "a whole number";
    case Node::Kind::real:
      return "a number";
    case Node::Kind::text:
      return "a text";
    case Node::Kind::array:
      return "a list";
    case Node::Kind::table:
      return "a table";
    case Node::Kind::date:
      return "a date or time";
  }
  return "nothing";
}

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::boolean:
      return node.boolean ? "true" : "false";
    case Node::Kind::integer:
      return std::to_string(node.integer);
    case Node::Kind::real:
      return std::isfinite(node.real) ? format_number(node.real)
             : std::isnan(node.real)  ? "nan"
             : node.real > 0.0        ? "inf"
                                      : "-inf";
    case Node::Kind::text:
      return node.text;
    case Node::Kind::null:
    case Node::Kind::array:
    case Node::Kind::table:
    case Node::Kind::date:
      return kind_name(node.kind);
  }
  return {};
}

Node from_toml(const toml::node& value) {
  Node node;
  node.line = static_cast<int>(value.source().begin.line);
  if (const auto* table = value.as_table()) {
    node.kind = Node::Kind::table;
    for (const auto& [key, member] : *table) {
      node.members.emplace_back(std::string(key.str()), from_toml(member));
      node.members.back().second.line = static_cast<int>(key.source().begin.line);
    }
    // The library sorts by key; people read top down.
    std::stable_sort(node.members.begin(), node.members.end(),
                     [](const auto& a, const auto& b) { return a.second.line < b.second.line; });
  } else if (const auto* array = value.as_array()) {
    node.kind = Node::Kind::array;
    for (const auto& item : *array) node.items.push_back(from_toml(item));
  } else if (const auto* text = value.as_string()) {
    node.kind = Node::Kind::text;
    node.text = text->get();
  } else if (const auto* integer = value.as_integer()) {
    node.kind = Node::Kind::integer;
    node.integer = integer->get();
    node.real = static_cast<double>(node.integer);
  } else if (const auto* real = value.as_floating_point()) {
    node.kind = Node::Kind::real;
    node.real = real->get();
  } else if (const auto* boolean = value.as_boolean()) {
    node.kind = Node::Kind::boolean;
    node.boolean = boolean->get();
  } else {
    node.kind = Node::Kind::date;
  }
  return node;
}

Node from_json(const Json& value) {
  Node node;
  if (value.is_object()) {
    node.kind = Node::Kind::table;
    for (const auto& [key, member] : value.items()) {
      node.members.emplace_back(key, from_json(member));
    }
  } else if (value.is_array()) {
    node.kind = Node::Kind::array;
    for (const auto& item : value) node.items.push_back(from_json(item));
  } else if (value.is_string()) {
    node.kind = Node::Kind::text;
    node.text = value.get<std::string>();
  } else if (value.is_number_integer()) {
    node.kind = Node::Kind::integer;
    node.integer = value.get<std::int64_t>();
    node.real = value.get<double>();
  } else if (value.is_number()) {
    node.kind = Node::Kind::real;
    node.real = value.get<double>();
  } else if (value.is_boolean()) {
    node.kind = Node::Kind::boolean;
    node.boolean = value.get<bool>();
  }
  return node;
}

// toml++ bounds the nesting of values but follows dotted keys without limit: a file of `a.a.a...`
// would overflow the stack. Brackets are counted too, so that the message is ours.
std::optional<int> line_of_deep_nesting(std::string_view text) {
  constexpr int kDeepest = 16;
  int line = 1;
  int dots = 0;
  int brackets = 0;
  std::size_t i = 0;
  const auto starts = [&](std::string_view mark) { return text.substr(i, mark.size()) == mark; };
  while (i < text.size()) {
    const char c = text[i];
    if (starts("\"\"\"") || starts("'''")) {
      const std::string_view mark = text.substr(i, 3);
      const bool escapes = c == '"';
      i += 3;
      while (i < text.size() && text.substr(i, 3) != mark) {
        if (text[i] == '\n') ++line;
        i += escapes && text[i] == '\\' && i + 1 < text.size() && text[i + 1] != '\n' ? 2 : 1;
      }
      i += 3;
      continue;
    }
    if (c == '"' || c == '\'') {
      ++i;
      while (i < text.size() && text[i] != c && text[i] != '\n') {
        i += c == '"' && text[i] == '\\' && i + 1 < text.size() && text[i + 1] != '\n' ? 2 : 1;
      }
      if (i < text.size() && text[i] == c) ++i;
      continue;
    }
    if (c == '#') {
      while (i < text.size() && text[i] != '\n') ++i;
      continue;
    }
    if (c == '\n') {
      ++line;
      dots = 0;
    } else if (c == ',' || c == '=') {
      dots = 0;
    } else if (c == '.') {
      if (++dots > kDeepest) return line;
    } else if (c == '[' || c == '{') {
      dots = 0;
      if (++brackets > kDeepest) return line;
    } else if (c == ']' || c == '}') {
      brackets = std::max(0, brackets - 1);
    }
    ++i;
  }
  return std::nullopt;
}

// Keys by table, in the order of the documentation. "[]" marks tables in arrays; "*" free names.
using Keys = std::vector<std::string>;
const std::map<std::string, Keys, std::less<>>& keys_by_table() {
  static const std::map<std::string, Keys, std::less<>> keys = {
      {"",
       {"format", "name", "owner", "description", "draft", "targets", "space", "conditions",
        "rules", "model", "planner", "plate", "retrain", "stop", "webhooks"}},
      {"targets[]", {"name", "unit", "goal", "hit_threshold", "plausible"}},
      {"space[]",
       {"kind", "elements", "slots", "none", "repetition", "step_at_percent", "loadings",
        "loading_unit", "min_elements", "max_elements", "total", "catalysts", "supports",
        "preparations"}},
      {"rules[]",
       {"name", "allow_elements", "forbid_elements", "on_supports", "forbid_together", "if_any",
        "needs_any", "group", "number_of_elements", "amount_of", "share_of", "total_amount",
        "forbid_supports", "at_least", "at_most"}},
      {"model",
       {"elements", "method", "order", "products", "loading", "normalize", "size", "epsilon",
        "alpha", "hypotheses", "shared", "search", "one_per_family", "seed", "work",
        "time_limit_s"}},
      {"planner",
       {"batch", "mix", "schedule", "acquisition", "diversity",
        "allow_recommending_already_measured", "allow_recommending_already_recommended",
        "allow_recommending_pending_experiments", "allow_recommending_failed", "references",
        "most_evaluated", "surrogate"}},
      {"planner.mix", {"explore", "challenge", "recheck", "exploit", "bridge", "random"}},
      {"planner.schedule[]", {"from_batch", "mix"}},
      {"planner.schedule[].mix",
       {"explore", "challenge", "recheck", "exploit", "bridge", "random"}},
      {"plate", {"channels", "blanks", "references", "randomize", "shared_condition"}},
      {"retrain", {"when", "results", "at", "time_zone"}},
      {"stop",
       {"measurements", "target_reached", "batches_without_improvement",
        "hypotheses_agree_within"}},
      {"webhooks[]", {"url", "kind", "events", "secret_file", "compositions"}},
  };
  return keys;
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

// Reads the tree. The first error stops everything that comes after it.
class Decoder {
 public:
  Decoder(std::string_view file, const chemistry::SupportTable& supports)
      : file_(file), supports_(supports) {}

  bool failed() const { return error_.has_value(); }
  const std::optional<Error>& error() const { return error_; }

  void fail(const Node& node, std::string_view path, std::string message, std::string value,
            std::string expected) {
    if (error_) return;
    error_ = Error{ErrorCode::bad_data, std::move(message), where(node.line, path),
                   std::move(value), std::move(expected)};
  }
  void fail_in(const Node& node, std::string_view path, const Error& inner) {
    if (error_) return;
    Error error = inner;
    error.code = ErrorCode::bad_data;
    error_ = error.in(where(node.line, path));
  }

  CampaignConfig campaign(const Node& root);

 private:
  std::string where(int line, std::string_view path) const {
    std::string text = file_;
    if (line > 0) text += fmt::format(":{}", line);
    if (!path.empty()) text += fmt::format(": {}", path);
    return text;
  }

  static std::string join(std::string_view path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
  }

  // False where the node is no table or holds a key that `table` does not know.
  bool check_table(const Node& node, const std::string& path, std::string_view table) {
    if (failed()) return false;
    if (node.kind != Node::Kind::table) {
      fail(node, path, "expected a table", shown(node),
           path.empty() ? "a table" : fmt::format("[{}] with its keys below", path));
      return false;
    }
    const Keys& known = keys_by_table().find(table)->second;
    for (const auto& [key, value] : node.members) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const std::vector<std::string> near = nearest_names(key, known, 1);
      fail(value, path, "unknown key", key,
           near.empty() ? "one of " + joined(known)
                        : fmt::format("one of {}; did you mean {}?", joined(known), near.front()));
      return false;
    }
    return true;
  }

  const Node* required(const Node& table, const std::string& path, std::string_view key,
                       std::string_view example) {
    const Node* node = table.find(key);
    if (node == nullptr) {
      fail(table, path, fmt::format("the key \"{}\" is missing", key), "",
           fmt::format("for example {} = {}", key, example));
    }
    return node;
  }

  std::string text(const Node* node, const std::string& path, std::string fallback = "") {
    if (node == nullptr || failed()) return fallback;
    if (node->kind != Node::Kind::text) {
      fail(*node, path, "expected a text in quotes", shown(*node), "for example \"...\"");
      return fallback;
    }
    if (node->text.size() > 4096 || std::any_of(node->text.begin(), node->text.end(), [](char c) {
          return static_cast<unsigned char>(c) < 0x20 && c != '\n';
        })) {
      fail(*node, path, "the text is too long or holds control characters", node->text,
           "plain text of at most 4096 bytes");
    }
    return node->text;
  }

  bool flag(const Node* node, const std::string& path, bool fallback) {
    if (node == nullptr || failed()) return fallback;
    if (node->kind != Node::Kind::boolean) {
      fail(*node, path, "expected true or false", shown(*node), "true or false, without quotes");
      return fallback;
    }
    return node->boolean;
  }

  std::int64_t whole(const Node* node, const std::string& path, std::int64_t low, std::int64_t high,
                     std::int64_t fallback) {
    if (node == nullptr || failed()) return fallback;
    const std::string range = fmt::format("a whole number from {} to {}", low, high);
    if (node->kind != Node::Kind::integer) {
      fail(*node, path, "expected a whole number", shown(*node), range);
      return fallback;
    }
    if (node->integer < low || node->integer > high) {
      fail(*node, path, "out of range", shown(*node), range);
      return fallback;
    }
    return node->integer;
  }

  double number(const Node* node, const std::string& path, double low, double high,
                double fallback) {
    if (node == nullptr || failed()) return fallback;
    const bool bounded = low > -1e300 || high < 1e300;
    const std::string range = !bounded ? "a number, without quotes and unit"
                              : high >= 1e300
                                  ? fmt::format("a number from {:g}", low)
                                  : fmt::format("a number from {:g} to {:g}", low, high);
    if (node->kind != Node::Kind::integer && node->kind != Node::Kind::real) {
      fail(*node, path, "expected a number", shown(*node), range);
      return fallback;
    }
    if (!std::isfinite(node->real) || node->real < low || node->real > high) {
      fail(*node, path, "out of range", shown(*node), range);
      return fallback;
    }
    return node->real;
  }

  // A list, each item with its path.
  template <typename Visit>
  void list(const Node* node, const std::string& path, std::string_view example, Visit visit) {
    if (node == nullptr || failed()) return;
    if (node->kind != Node::Kind::array) {
      fail(*node, path, "expected a list", shown(*node), fmt::format("for example {}", example));
      return;
    }
    for (std::size_t i = 0; i < node->items.size() && !failed(); ++i) {
      visit(node->items[i], fmt::format("{}[{}]", path, i));
    }
  }

  std::vector<std::string> texts(const Node* node, const std::string& path,
                                 std::string_view example) {
    std::vector<std::string> result;
    list(node, path, example, [&](const Node& item, const std::string& at) {
      std::string value = text(&item, at);
      if (!failed() && std::find(result.begin(), result.end(), value) != result.end()) {
        fail(item, at, "listed twice", value, "each once");
      }
      result.push_back(std::move(value));
    });
    return result;
  }

  std::vector<double> numbers(const Node* node, const std::string& path, std::string_view example) {
    std::vector<double> result;
    list(node, path, example, [&](const Node& item, const std::string& at) {
      const double value = number(&item, at, -1e301, 1e301, 0.0);
      if (!failed() && std::find(result.begin(), result.end(), value) != result.end()) {
        fail(item, at, "listed twice", shown(item), "each number once");
      }
      result.push_back(value);
    });
    return result;
  }

  std::vector<int> elements(const Node* node, const std::string& path) {
    std::vector<int> result;
    list(node, path, R"(["Li", "Na"])", [&](const Node& item, const std::string& at) {
      const std::string symbol = text(&item, at);
      if (failed()) return;
      const std::optional<int> element = chemistry::atomic_number(symbol);
      if (!element) {
        std::vector<std::string> symbols;
        for (int z = 1; z <= chemistry::kLastAtomicNumber; ++z) {
          symbols.emplace_back(chemistry::element_symbol(z));
        }
        const std::vector<std::string> near = nearest_names(symbol, symbols, 1);
        fail(item, at, "unknown element", symbol,
             near.empty()
                 ? "a chemical symbol such as Li"
                 : fmt::format("a chemical symbol such as Li; did you mean {}?", near.front()));
        return;
      }
      if (std::find(result.begin(), result.end(), *element) != result.end()) {
        fail(item, at, "listed twice", symbol, "each element once");
        return;
      }
      result.push_back(*element);
    });
    if (node != nullptr && !failed() && result.empty()) {
      fail(*node, path, "the list of elements is empty", "", R"(for example ["Li", "Na"])");
    }
    return result;
  }

  template <typename Value>
  Value choice(const Node* node, const std::string& path,
               const std::vector<std::pair<std::string, Value>>& options, Value fallback) {
    const std::string value = text(node, path);
    if (node == nullptr || failed()) return fallback;
    std::vector<std::string> names;
    for (const auto& [name, option] : options) {
      if (name == value) return option;
      names.push_back(name);
    }
    const std::vector<std::string> near = nearest_names(value, names, 1);
    fail(*node, path, "unknown choice", value,
         near.empty() ? join_or(names)
                      : fmt::format("{}; did you mean {}?", join_or(names), near.front()));
    return fallback;
  }

  template <typename Visit>
  void tables(const Node& root, std::string_view key, Visit visit) {
    const Node* node = root.find(key);
    if (node == nullptr || failed()) return;
    if (node->kind != Node::Kind::array) {
      fail(*node, std::string(key), "expected tables in a list", shown(*node),
           fmt::format("[[{}]] (with two brackets) above its keys", key));
      return;
    }
    for (std::size_t i = 0; i < node->items.size() && !failed(); ++i) {
      const std::string path = fmt::format("{}[{}]", key, i);
      if (check_table(node->items[i], path, fmt::format("{}[]", key))) visit(node->items[i], path);
    }
  }

  const Node* table(const Node& root, std::string_view key) {
    const Node* node = root.find(key);
    if (node == nullptr || !check_table(*node, std::string(key), key)) return nullptr;
    return node;
  }

  // Keys that belong to another kind of part or rule.
  void only(const Node& node, const std::string& path, std::string_view kind,
            const std::vector<std::string>& allowed) {
    for (const auto& [key, value] : node.members) {
      if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
        fail(value, path, fmt::format("a key that {} does not have", kind), key,
             "one of " + joined(allowed));
      }
    }
  }

  Candidate candidate(const Node& item, const std::string& at) {
    Candidate result;
    const std::string name = text(&item, at);
    if (failed()) return result;
    // A key is told from a name by its amounts: "Li:1;Mn:2/MgO".
    Result<chemistry::Catalyst> catalyst =
        name.find(':') != std::string::npos || name.rfind("-/", 0) == 0
            ? chemistry::parse_key(name, supports_)
            : chemistry::parse_catalyst_name(name, supports_);
    if (!catalyst) {
      fail_in(item, at, catalyst.error());
      return result;
    }
    result.catalyst = std::move(catalyst).value();
    return result;
  }

  void decode_targets(const Node& root, CampaignConfig& config);
  void decode_space(const Node& root, CampaignConfig& config);
  void decode_conditions(const Node& root, CampaignConfig& config);
  void decode_rules(const Node& root, CampaignConfig& config);
  void decode_model(const Node& root, CampaignConfig& config);
  void decode_planner(const Node& root, CampaignConfig& config);
  void decode_rest(const Node& root, CampaignConfig& config);
  planning::Mix mix(const Node& node, const std::string& path, std::string_view table_name,
                    int batch);

  std::string file_;
  const chemistry::SupportTable& supports_;
  std::optional<Error> error_;
};

bool is_campaign_name(std::string_view name) {
  const auto lower_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= 64 && lower_or_digit(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return lower_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

void Decoder::decode_targets(const Node& root, CampaignConfig& config) {
  required(root, "", "targets", "[[targets]] with name, unit and goal below");
  std::set<std::string> names;
  tables(root, "targets", [&](const Node& node, const std::string& path) {
    Target target;
    const Node* name = required(node, path, "name", "\"C2_yield\"");
    target.name = text(name, join(path, "name"));
    if (name != nullptr && !failed() &&
        (target.name.empty() || target.name.size() > 128 || !names.insert(target.name).second)) {
      fail(*name, join(path, "name"), "not a name of its own", target.name,
           "a name that no other target has, at most 128 bytes");
    }
    const Node* unit = required(node, path, "unit", "\"%\" (or \"\" where there is none)");
    target.unit = text(unit, join(path, "unit"));
    const Node* goal = required(node, path, "goal", "\"maximize\" or \"minimize\"");
    target.goal = choice<planning::Goal>(
        goal, join(path, "goal"),
        {{"maximize", planning::Goal::maximize}, {"minimize", planning::Goal::minimize}},
        planning::Goal::maximize);
    if (const Node* hit = node.find("hit_threshold")) {
      target.hit_threshold = number(hit, join(path, "hit_threshold"), -1e301, 1e301, 0.0);
    }
    if (const Node* range = node.find("plausible")) {
      const std::vector<double> ends = numbers(range, join(path, "plausible"), "[0, 100]");
      if (!failed() && (ends.size() != 2 || !(ends[0] < ends[1]))) {
        fail(*range, join(path, "plausible"), "expected two numbers, the smaller one first",
             fmt::format("{} numbers", ends.size()), "for example [0, 100]");
      } else if (!failed()) {
        target.plausible_low = ends[0];
        target.plausible_high = ends[1];
      }
    }
    config.targets.push_back(std::move(target));
  });
  if (!failed() && config.targets.empty()) {
    fail(root, "targets", "the campaign has no target", "", "at least one [[targets]]");
  }
}

void Decoder::decode_space(const Node& root, CampaignConfig& config) {
  required(root, "", "space", "[[space]] with kind, elements and supports below");
  tables(root, "space", [&](const Node& node, const std::string& path) {
    enum class Kind { slots, simplex, grid, list };
    planning::SpacePart part;
    const Kind kind =
        choice<Kind>(required(node, path, "kind", "\"slots\", \"simplex\", \"grid\" or \"list\""),
                     join(path, "kind"),
                     {{"slots", Kind::slots},
                      {"simplex", Kind::simplex},
                      {"grid", Kind::grid},
                      {"list", Kind::list}},
                     Kind::slots);
    if (failed()) return;
    if (kind == Kind::list) {
      only(node, path, "a list", {"kind", "catalysts"});
      planning::CatalystList catalysts;
      const Node* given =
          required(node, path, "catalysts", R"(["Mn-Na2WO4/SiO2", "Li:1;Mg:2/MgO"])");
      list(given, join(path, "catalysts"), R"(["Mn-Na2WO4/SiO2"])",
           [&](const Node& item, const std::string& at) {
             catalysts.catalysts.push_back(candidate(item, at).catalyst);
           });
      part.actives = std::move(catalysts);
      config.space.parts.push_back(std::move(part));
      return;
    }
    const std::vector<int> symbols =
        elements(required(node, path, "elements", R"(["Li", "Na", "Mn"])"), join(path, "elements"));
    const auto count = [&](std::string_view key, std::string_view example) {
      return static_cast<int>(whole(required(node, path, key, example), join(path, key), 0, 20, 1));
    };
    if (kind == Kind::slots) {
      only(node, path, "a space of slots",
           {"kind", "elements", "slots", "none", "repetition", "supports", "preparations"});
      planning::Slots slots;
      slots.elements = symbols;
      slots.slots = static_cast<int>(
          whole(required(node, path, "slots", "3"), join(path, "slots"), 1, 20, 3));
      slots.none = flag(required(node, path, "none", "true (a slot may stay empty)"),
                        join(path, "none"), true);
      slots.repetition =
          flag(required(node, path, "repetition", "true (an element may take several slots)"),
               join(path, "repetition"), true);
      part.actives = std::move(slots);
    } else if (kind == Kind::simplex) {
      only(node, path, "a simplex",
           {"kind", "elements", "step_at_percent", "min_elements", "max_elements", "total",
            "supports", "preparations"});
      planning::Simplex simplex;
      simplex.elements = symbols;
      const Node* step = required(node, path, "step_at_percent", "10");
      const double percent = number(step, join(path, "step_at_percent"), 0.1, 100.0, 10.0);
      simplex.steps = static_cast<int>(std::lround(100.0 / percent));
      if (step != nullptr && !failed() && std::abs(simplex.steps * percent - 100.0) > 1e-6) {
        fail(*step, join(path, "step_at_percent"), "100 % is not a whole number of steps",
             shown(*step), "a divisor of 100, such as 20, 10, 5 or 2.5");
      }
      simplex.min_elements = node.find("min_elements") ? count("min_elements", "1") : 1;
      simplex.max_elements = count("max_elements", "4");
      simplex.total = number(node.find("total"), join(path, "total"), 1e-9, 1e9, 1.0);
      part.actives = std::move(simplex);
    } else {
      only(node, path, "a grid of loadings",
           {"kind", "elements", "loadings", "loading_unit", "min_elements", "max_elements",
            "supports", "preparations"});
      planning::LoadingGrid grid;
      grid.elements = symbols;
      grid.min_elements = count("min_elements", "1");
      grid.max_elements = count("max_elements", "3");
      grid.loadings = numbers(required(node, path, "loadings", "[0.1, 0.2]"),
                              join(path, "loadings"), "[0.1, 0.2]");
      // Written down for people and for reports; amounts are compared as numbers.
      text(required(node, path, "loading_unit", "\"mmol/g\""), join(path, "loading_unit"));
      part.actives = std::move(grid);
    }
    const std::string supports_path = join(path, "supports");
    list(node.find("supports"), supports_path, R"(["MgO", "SiO2"])",
         [&](const Node& item, const std::string& at) {
           planning::Support support;
           support.name = text(&item, at);
           if (failed() || support.name.empty()) {
             if (!failed()) fail(item, at, "a support without a name", "", "for example \"MgO\"");
             return;
           }
           const Result<chemistry::Composition> formula = supports_.formula(support.name);
           if (!formula) {
             fail_in(item, at, formula.error());
             return;
           }
           support.formula = *formula;
           part.supports.push_back(std::move(support));
         });
    part.preparations =
        texts(node.find("preparations"), join(path, "preparations"), R"(["impregnation"])");
    config.space.parts.push_back(std::move(part));
  });
}

void Decoder::decode_conditions(const Node& root, CampaignConfig& config) {
  const Node* node = root.find("conditions");
  if (node == nullptr || failed()) return;
  if (node->kind != Node::Kind::table) {
    fail(*node, "conditions", "expected a table", shown(*node),
         "[conditions] with lines such as temperature_C = [750, 800]");
    return;
  }
  for (const auto& [name, levels] : node->members) {
    const std::string path = join("conditions", name);
    planning::ConditionLevels condition;
    condition.name = name;
    if (name.empty() || name.size() > 64 || name.find_first_of("|@;=/") != std::string::npos) {
      fail(levels, "conditions", "not a name for a condition", name,
           "letters, digits and _, with the unit at the end: temperature_C");
      return;
    }
    condition.levels = numbers(&levels, path, "[750, 800]");
    if (!failed() && condition.levels.empty()) {
      fail(levels, path, "a condition without levels", "", "for example [750, 800]");
    }
    config.space.conditions.push_back(std::move(condition));
  }
}

void Decoder::decode_rules(const Node& root, CampaignConfig& config) {
  std::size_t number_of_rule = 0;
  std::set<std::string> names;
  tables(root, "rules", [&](const Node& node, const std::string& path) {
    planning::Rule rule;
    rule.name =
        text(node.find("name"), join(path, "name"), fmt::format("rules[{}]", number_of_rule));
    ++number_of_rule;
    if (!failed() && !names.insert(rule.name).second) {
      fail(node, path, "two rules have the same name", rule.name, "a name of its own");
    }
    static const std::vector<std::string> kinds = {
        "allow_elements", "forbid_elements", "forbid_together",    "if_any",
        "group",          "amount_of",       "number_of_elements", "share_of",
        "total_amount",   "forbid_supports"};
    std::vector<std::string> given;
    for (const std::string& kind : kinds) {
      if (node.find(kind) != nullptr) given.push_back(kind);
    }
    if (given.size() != 1 && !failed()) {
      fail(node, path,
           given.empty() ? "a rule that says nothing" : "a rule that says several things",
           joined(given), "exactly one of " + joined(kinds));
      return;
    }
    if (failed()) return;
    const std::string& kind = given.front();
    const auto at = [&](std::string_view key) { return join(path, key); };
    const auto limits = [&](double scale, double& low, double& high) {
      if (node.find("at_least") == nullptr && node.find("at_most") == nullptr) {
        fail(node, path, "a limit without at_least or at_most", "", "for example at_most = 1");
      }
      low = number(node.find("at_least"), at("at_least"), 0.0, 1e300, 0.0) * scale;
      high = number(node.find("at_most"), at("at_most"), 0.0, 1e300,
                    std::numeric_limits<double>::infinity()) *
             scale;
    };
    const auto count_limits = [&](int& low, int& high) {
      if (node.find("at_least") == nullptr && node.find("at_most") == nullptr) {
        fail(node, path, "a limit without at_least or at_most", "", "for example at_most = 1");
      }
      low = static_cast<int>(whole(node.find("at_least"), at("at_least"), 0, 118, 0));
      high = static_cast<int>(
          whole(node.find("at_most"), at("at_most"), 0, 118, std::numeric_limits<int>::max()));
    };
    if (kind == "allow_elements") {
      only(node, path, "this rule", {"name", "allow_elements"});
      rule.what = planning::AllowElements{elements(node.find(kind), at(kind))};
    } else if (kind == "forbid_elements") {
      only(node, path, "this rule", {"name", "forbid_elements", "on_supports"});
      const std::vector<int> set = elements(node.find(kind), at(kind));
      if (const Node* on = node.find("on_supports")) {
        rule.what = planning::ForbidOnSupport{set, texts(on, at("on_supports"), R"(["TiO2"])")};
      } else {
        rule.what = planning::ForbidElements{set};
      }
    } else if (kind == "forbid_together") {
      only(node, path, "this rule", {"name", "forbid_together"});
      rule.what = planning::ForbidTogether{elements(node.find(kind), at(kind))};
    } else if (kind == "if_any") {
      only(node, path, "this rule", {"name", "if_any", "needs_any"});
      rule.what = planning::RequireTogether{
          elements(node.find(kind), at(kind)),
          elements(required(node, path, "needs_any", R"(["Na"])"), at("needs_any"))};
    } else if (kind == "group") {
      only(node, path, "this rule", {"name", "group", "at_least", "at_most"});
      planning::GroupLimit limit;
      limit.elements = elements(node.find(kind), at(kind));
      count_limits(limit.at_least, limit.at_most);
      rule.what = limit;
    } else if (kind == "number_of_elements") {
      only(node, path, "this rule", {"name", "number_of_elements", "at_least", "at_most"});
      planning::GroupLimit limit;
      if (!flag(node.find(kind), at(kind), true)) {
        fail(*node.find(kind), at(kind), "a rule that says nothing", "false",
             "true, with at_least or at_most beside it");
      }
      count_limits(limit.at_least, limit.at_most);
      rule.what = limit;
    } else if (kind == "amount_of" || kind == "share_of") {
      only(node, path, "this rule", {"name", kind, "at_least", "at_most"});
      planning::AmountLimit limit;
      limit.elements = elements(node.find(kind), at(kind));
      limit.share = kind == "share_of";
      limits(1.0, limit.at_least, limit.at_most);
      if (!failed() && limit.share &&
          (limit.at_least > 1.0 || (limit.at_most > 1.0 && std::isfinite(limit.at_most)))) {
        fail(node, path, "a share above 1",
             fmt::format("{:g}", limit.at_least > 1.0 ? limit.at_least : limit.at_most),
             "a share from 0 to 1: 0.4 for 40 at.%");
      }
      rule.what = limit;
    } else if (kind == "total_amount") {
      only(node, path, "this rule", {"name", "total_amount", "at_least", "at_most"});
      planning::TotalLimit limit;
      if (!flag(node.find(kind), at(kind), true)) {
        fail(*node.find(kind), at(kind), "a rule that says nothing", "false",
             "true, with at_least or at_most beside it");
      }
      limits(1.0, limit.at_least, limit.at_most);
      rule.what = limit;
    } else {
      only(node, path, "this rule", {"name", "forbid_supports"});
      rule.what = planning::ForbidSupports{texts(node.find(kind), at(kind), R"(["TiO2"])")};
    }
    config.rules.push_back(std::move(rule));
  });
}

void Decoder::decode_model(const Node& root, CampaignConfig& config) {
  const Node* node = table(root, "model");
  if (node == nullptr) return;
  selection::ModelSettings& model = config.model;
  const auto find = [&](std::string_view key) { return node->find(key); };
  const auto at = [&](std::string_view key) { return join("model", key); };
  config.elements = text(find("elements"), at("elements"), config.elements);
  model.features.method = choice<descriptors::Method>(
      find("method"), at("method"),
      {{"extended", descriptors::Method::extended}, {"afe", descriptors::Method::afe}},
      model.features.method);
  model.features.loading =
      choice<descriptors::Loading>(find("loading"), at("loading"),
                                   {{"auto", descriptors::Loading::automatic},
                                    {"variable", descriptors::Loading::variable},
                                    {"constant", descriptors::Loading::constant}},
                                   model.features.loading);
  model.features.normalize =
      choice<descriptors::Normalization>(find("normalize"), at("normalize"),
                                         {{"afe65", descriptors::Normalization::afe65},
                                          {"dataset", descriptors::Normalization::dataset},
                                          {"all", descriptors::Normalization::all}},
                                         model.features.normalize);
  model.order = static_cast<int>(whole(find("order"), at("order"), 0, 3, model.order));
  model.products =
      static_cast<int>(whole(find("products"), at("products"), 0, 100'000, model.products));
  selection::SearchOptions& search = model.search;
  search.method = choice<selection::Method>(
      find("search"), at("search"),
      {{"exchange", selection::Method::exchange}, {"genetic", selection::Method::genetic}},
      search.method);
  search.size = static_cast<int>(whole(find("size"), at("size"), 1, 32, search.size));
  search.regression.epsilon =
      number(find("epsilon"), at("epsilon"), 1.0, 3.0, search.regression.epsilon);
  search.regression.alpha = number(find("alpha"), at("alpha"), 0.0, 1e6, search.regression.alpha);
  search.hypotheses =
      static_cast<int>(whole(find("hypotheses"), at("hypotheses"), 1, 1000, search.hypotheses));
  search.shared = static_cast<int>(whole(find("shared"), at("shared"), 0, 31, search.shared));
  search.one_per_family = flag(find("one_per_family"), at("one_per_family"), search.one_per_family);
  search.seed = static_cast<std::uint64_t>(
      whole(find("seed"), at("seed"), 0, INT64_MAX, static_cast<std::int64_t>(search.seed)));
  search.work = static_cast<std::uint64_t>(
      whole(find("work"), at("work"), 0, INT64_MAX, static_cast<std::int64_t>(search.work)));
  search.time_limit = number(find("time_limit_s"), at("time_limit_s"), 0.0, 1e7, search.time_limit);
  if (!failed() && search.regression.epsilon == 1.0 && search.regression.alpha > 0.0) {
    fail(*node, at("alpha"), "epsilon 1 (least absolute deviations) goes without alpha",
         fmt::format("{:g}", search.regression.alpha), "alpha = 0, or epsilon above 1");
  }
}

planning::Mix Decoder::mix(const Node& node, const std::string& path, std::string_view table_name,
                           int batch) {
  planning::Mix result;
  if (!check_table(node, path, table_name)) return result;
  for (const auto& [key, value] : node.members) {
    planning::MixEntry entry;
    entry.strategy = planning::parse_strategy(key).value();
    const std::string at = join(path, key);
    constexpr std::string_view kExpected = "a number of catalysts (8) or a share (\"40 %\" or 0.4)";
    if (value.kind == Node::Kind::integer) {
      entry.count = static_cast<int>(whole(&value, at, 0, 10'000, 0));
    } else if (value.kind == Node::Kind::real) {
      entry.share = number(&value, at, 0.0, 1.0, 0.0);
    } else if (value.kind == Node::Kind::text) {
      std::string_view text_of = trim(value.text);
      const bool percent = !text_of.empty() && text_of.back() == '%';
      if (percent) text_of.remove_suffix(1);
      const std::optional<double> share = parse_number(trim(text_of));
      if (!percent || !share || *share < 0.0 || *share > 100.0) {
        fail(value, at, "neither a number nor a share", value.text, std::string(kExpected));
        return result;
      }
      entry.share = *share / 100.0;
    } else {
      fail(value, at, "neither a number nor a share", shown(value), std::string(kExpected));
    }
    if (failed()) return result;
    if (entry.count > 0 || entry.share > 0.0) result.push_back(entry);
  }
  // Neither JSON nor TOML promises an order of keys; proposals are listed in this one.
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.strategy < b.strategy; });
  double shares = 0.0;
  int counts = 0;
  for (const planning::MixEntry& entry : result) {
    shares += entry.share;
    counts += entry.share > 0.0 ? 0 : entry.count;
  }
  if (!failed() && result.empty()) {
    fail(node, path, "the mix is empty", "", "for example explore = 12 and exploit = 8");
  } else if (!failed() && shares == 0.0 && counts != batch) {
    fail(
        node, path, "the numbers of the mix do not add up to the batch", std::to_string(counts),
        fmt::format("numbers that add up to {}, or a share (\"50 %\") that takes the rest", batch));
  } else if (!failed() && counts > batch) {
    fail(node, path, "the numbers of the mix are larger than the batch", std::to_string(counts),
         fmt::format("at most {}", batch));
  } else if (!failed() && shares > 1.0 + 1e-9) {
    fail(node, path, "the shares of the mix add up to more than 100 %",
         fmt::format("{:g} %", 100.0 * shares), "shares of what the numbers leave, at most 100 %");
  }
  return result;
}

void Decoder::decode_planner(const Node& root, CampaignConfig& config) {
  const Node* node = root.find("planner");
  if (node == nullptr) {
    required(root, "", "planner", "[planner] with batch = 20 below");
    return;
  }
  if (!check_table(*node, "planner", "planner")) return;
  PlannerSettings& planner = config.planner;
  const auto find = [&](std::string_view key) { return node->find(key); };
  const auto at = [&](std::string_view key) { return join("planner", key); };
  planner.batch = static_cast<int>(
      whole(required(*node, "planner", "batch", "20"), at("batch"), 1, 10'000, 20));
  if (failed()) return;
  planner.mix = planning::default_mix();
  if (const Node* given = find("mix"))
    planner.mix = mix(*given, at("mix"), "planner.mix", planner.batch);
  int last = 0;
  list(find("schedule"), at("schedule"), "[[planner.schedule]] with from_batch and mix",
       [&](const Node& item, const std::string& path) {
         if (!check_table(item, path, "planner.schedule[]")) return;
         ScheduledMix scheduled;
         const Node* from = required(item, path, "from_batch", "5");
         scheduled.from_batch =
             static_cast<int>(whole(from, join(path, "from_batch"), 1, 1'000'000, 1));
         const Node* given = required(item, path, "mix", "{ explore = 4, exploit = 16 }");
         if (failed()) return;
         scheduled.mix = mix(*given, join(path, "mix"), "planner.schedule[].mix", planner.batch);
         if (!failed() && scheduled.from_batch <= last) {
           fail(*from, join(path, "from_batch"), "not later than the entry before",
                std::to_string(scheduled.from_batch), fmt::format("a batch after {}", last));
         }
         last = scheduled.from_batch;
         planner.schedule.push_back(std::move(scheduled));
       });
  planner.acquisition = choice<planning::Acquisition>(
      find("acquisition"), at("acquisition"),
      {{"automatic", planning::Acquisition::automatic},
       {"expected_improvement", planning::Acquisition::expected_improvement},
       {"probability", planning::Acquisition::probability},
       {"conservative", planning::Acquisition::conservative},
       {"mean", planning::Acquisition::mean}},
      planner.acquisition);
  if (!failed() && planner.acquisition == planning::Acquisition::probability &&
      !config.targets.front().hit_threshold) {
    fail(*find("acquisition"), at("acquisition"), "there is no threshold to reach", "probability",
         "hit_threshold in the first of [[targets]]");
  }
  planner.diversity = number(find("diversity"), at("diversity"), 0.0, 1.0, planner.diversity);
  const auto allow = [&](std::string_view key, bool fallback) {
    return flag(find(key), at(key), fallback);
  };
  planner.allow_measured = allow("allow_recommending_already_measured", planner.allow_measured);
  planner.allow_proposed = allow("allow_recommending_already_recommended", planner.allow_proposed);
  planner.allow_pending = allow("allow_recommending_pending_experiments", planner.allow_pending);
  planner.allow_failed = allow("allow_recommending_failed", planner.allow_failed);
  list(find("references"), at("references"), R"(["Mn-Na2WO4/SiO2"])",
       [&](const Node& item, const std::string& path) {
         if (!config.space.conditions.empty()) {
           fail(item, path, "references are not supported in a space with conditions", shown(item),
                "no references: the planner repeats measured candidates instead");
           return;
         }
         planner.references.push_back(candidate(item, path));
       });
  planner.most_evaluated = static_cast<std::uint64_t>(
      whole(find("most_evaluated"), at("most_evaluated"), 1000, INT64_MAX,
            static_cast<std::int64_t>(planner.most_evaluated)));
  planner.surrogate = choice<std::string>(find("surrogate"), at("surrogate"),
                                          {{"automatic", "automatic"},
                                           {"hypotheses", "hypotheses"},
                                           {"gaussian_process", "gaussian_process"}},
                                          planner.surrogate);
}

void Decoder::decode_rest(const Node& root, CampaignConfig& config) {
  if (const Node* node = table(root, "plate")) {
    Plate& plate = config.plate;
    const auto at = [](std::string_view key) { return join("plate", key); };
    plate.channels = static_cast<int>(
        whole(required(*node, "plate", "channels", "24"), at("channels"), 1, 100'000, 1));
    plate.blanks = static_cast<int>(whole(node->find("blanks"), at("blanks"), 0, 10'000, 0));
    plate.references =
        static_cast<int>(whole(node->find("references"), at("references"), 0, 10'000, 0));
    plate.randomize = flag(node->find("randomize"), at("randomize"), true);
    plate.shared_condition = text(node->find("shared_condition"), at("shared_condition"));
    if (!failed() && plate.blanks + plate.references >= plate.channels) {
      fail(*node, "plate", "blanks and references leave no channel for catalysts",
           std::to_string(plate.blanks + plate.references),
           fmt::format("fewer than {} channels", plate.channels));
    }
    if (!failed() && !plate.shared_condition.empty()) {
      const auto& names = config.space.conditions;
      if (std::none_of(names.begin(), names.end(),
                       [&](const auto& c) { return c.name == plate.shared_condition; })) {
        fail(*node->find("shared_condition"), at("shared_condition"),
             "a condition that [conditions] does not have", plate.shared_condition,
             names.empty() ? "no shared_condition: the campaign varies none"
                           : "one of " + joined(config.conditions()));
      }
    }
  }
  if (const Node* node = table(root, "retrain")) {
    Retrain& retrain = config.retrain;
    const auto at = [](std::string_view key) { return join("retrain", key); };
    retrain.when =
        choice<RetrainWhen>(required(*node, "retrain", "when", "\"every_batch\""), at("when"),
                            {{"every_batch", RetrainWhen::every_batch},
                             {"every_results", RetrainWhen::every_results},
                             {"nightly", RetrainWhen::nightly},
                             {"by_hand", RetrainWhen::by_hand}},
                            retrain.when);
    if (failed()) return;
    if (retrain.when == RetrainWhen::every_results) {
      only(*node, "retrain", "every_results", {"when", "results"});
      retrain.results = static_cast<int>(
          whole(required(*node, "retrain", "results", "10"), at("results"), 1, 1'000'000, 1));
    } else if (retrain.when == RetrainWhen::nightly) {
      only(*node, "retrain", "nightly", {"when", "at", "time_zone"});
      const Node* time = required(*node, "retrain", "at", "\"02:00\"");
      const std::string clock = text(time, at("at"));
      const auto digit = [&](std::size_t i) { return clock[i] >= '0' && clock[i] <= '9'; };
      const bool shaped =
          clock.size() == 5 && clock[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4);
      const int hours = shaped ? (clock[0] - '0') * 10 + (clock[1] - '0') : 99;
      const int minutes = shaped ? (clock[3] - '0') * 10 + (clock[4] - '0') : 99;
      if (time != nullptr && !failed() && (hours > 23 || minutes > 59)) {
        fail(*time, at("at"), "not a time of day", clock, "hours and minutes, such as \"02:00\"");
      }
      retrain.at_minute = hours * 60 + minutes;
      retrain.time_zone = text(node->find("time_zone"), at("time_zone"), retrain.time_zone);
    } else {
      only(*node, "retrain", "this choice of `when`", {"when"});
    }
  }
  if (const Node* node = table(root, "stop")) {
    StopRules& stop = config.stop;
    const auto at = [](std::string_view key) { return join("stop", key); };
    if (const Node* n = node->find("measurements")) {
      stop.measurements = static_cast<int>(whole(n, at("measurements"), 1, 100'000'000, 1));
    }
    if (const Node* n = node->find("target_reached")) {
      stop.target_reached = number(n, at("target_reached"), -1e301, 1e301, 0.0);
    }
    if (const Node* n = node->find("batches_without_improvement")) {
      stop.batches_without_improvement =
          static_cast<int>(whole(n, at("batches_without_improvement"), 1, 100'000, 1));
    }
    if (const Node* n = node->find("hypotheses_agree_within")) {
      stop.hypotheses_agree = number(n, at("hypotheses_agree_within"), 0.0, 1e300, 0.0);
    }
  }
  tables(root, "webhooks", [&](const Node& node, const std::string& path) {
    Webhook hook;
    const Node* url = required(node, path, "url", "\"https://example.org/hook\"");
    hook.url = text(url, join(path, "url"));
    if (url != nullptr && !failed() && hook.url.rfind("https://", 0) != 0 &&
        hook.url.rfind("http://127.0.0.1", 0) != 0 && hook.url.rfind("http://localhost", 0) != 0) {
      fail(*url, join(path, "url"), "not a safe address", hook.url,
           "an address that begins with https://");
    }
    hook.kind = choice<std::string>(
        node.find("kind"), join(path, "kind"),
        {{"generic", "generic"}, {"slack", "slack"}, {"teams", "teams"}, {"ntfy", "ntfy"}},
        hook.kind);
    static const std::vector<std::pair<std::string, std::string>> events = {{"batch", "batch"},
                                                                            {"hit", "hit"},
                                                                            {"model", "model"},
                                                                            {"stopped", "stopped"},
                                                                            {"failed", "failed"}};
    list(required(node, path, "events", R"(["hit", "stopped"])"), join(path, "events"),
         R"(["hit", "stopped"])", [&](const Node& item, const std::string& at) {
           hook.events.push_back(choice<std::string>(&item, at, events, ""));
         });
    hook.secret_file = text(node.find("secret_file"), join(path, "secret_file"));
    hook.compositions = flag(node.find("compositions"), join(path, "compositions"), false);
    config.webhooks.push_back(std::move(hook));
  });
}

CampaignConfig Decoder::campaign(const Node& root) {
  CampaignConfig config;
  if (!check_table(root, "", "")) return config;
  const Node* format = required(root, "", "format", "1");
  if (format == nullptr) return config;
  if (format->kind != Node::Kind::integer || format->integer != 1) {
    fail(*format, "format", "a format that this version does not read", shown(*format),
         "format = 1");
    return config;
  }
  const Node* name = required(root, "", "name", "\"ocm\"");
  config.name = text(name, "name");
  if (name != nullptr && !failed() && !is_campaign_name(config.name)) {
    fail(*name, "name", "not a campaign's name", config.name,
         "1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit: it is part of addresses and "
         "file names");
  }
  config.owner = text(root.find("owner"), "owner");
  config.description = text(root.find("description"), "description");
  config.draft = flag(root.find("draft"), "draft", false);
  decode_targets(root, config);
  decode_space(root, config);
  decode_conditions(root, config);
  decode_rules(root, config);
  decode_model(root, config);
  if (!failed()) decode_planner(root, config);
  if (!failed()) decode_rest(root, config);
  if (failed()) return config;

  const Result<planning::CandidateSpace> space = planning::CandidateSpace::make(config.space);
  if (!space) {
    const Node& at = *root.find("space");
    fail_in(at.items.empty() ? at : at.items.front(), "", space.error());
    return config;
  }
  if (!config.rules.empty()) {
    const Result<planning::RuleSet> rules = planning::RuleSet::make(config.rules, *space);
    if (!rules) {
      const Node& at = *root.find("rules");
      const Node* which = at.items.empty() ? &at : &at.items.front();
      // Point at the rule that is named, if one is.
      for (std::size_t i = 0; i < config.rules.size(); ++i) {
        if (rules.error().where.find('"' + config.rules[i].name + '"') != std::string::npos) {
          which = &at.items[i];
        }
      }
      fail_in(*which, "", rules.error());
    }
  }
  return config;
}

}  // namespace

std::vector<std::string> CampaignConfig::conditions() const {
  std::vector<std::string> names;
  for (const planning::ConditionLevels& condition : space.conditions)
    names.push_back(condition.name);
  return names;
}

planning::PlanOptions CampaignConfig::plan_options(int batch) const {
  planning::PlanOptions options;
  options.batch = planner.batch;
  options.mix = planner.mix;
  for (const ScheduledMix& scheduled : planner.schedule) {
    if (scheduled.from_batch <= batch) options.mix = scheduled.mix;
  }
  options.goal = targets.front().goal;
  options.threshold = targets.front().hit_threshold;
  options.acquisition = planner.acquisition;
  options.diversity = planner.diversity;
  options.allow_measured = planner.allow_measured;
  options.allow_proposed = planner.allow_proposed;
  options.allow_pending = planner.allow_pending;
  options.allow_failed = planner.allow_failed;
  options.references = planner.references;
  options.most_evaluated = planner.most_evaluated;
  options.seed = model.search.seed;
  return options;
}

Result<CampaignConfig> parse_campaign(std::string_view text, std::string_view file_name,
                                      std::string_view media_type,
                                      const chemistry::SupportTable& supports) {
  const auto refuse = [&](int line, std::string message, std::string value, std::string expected) {
    return Error{ErrorCode::bad_data, std::move(message),
                 line > 0 ? fmt::format("{}:{}", file_name, line) : std::string(file_name),
                 std::move(value), std::move(expected)};
  };
  if (text.size() > kLargestCampaignFile) {
    return refuse(0, "the campaign file is too large", fmt::format("{} bytes", text.size()),
                  fmt::format("at most {} bytes", kLargestCampaignFile));
  }
  if (trim(text).empty()) {
    return refuse(0, "the campaign file is empty", "",
                  "format = 1, name, [[targets]], [[space]] and "
                  "[planner]; see config/campaigns/ocm.toml");
  }
  Node root;
  if (media_type == kJson) {
    Result<Json> document = parse_json(text);
    if (!document) return document.error().in(file_name);
    root = from_json(*document);
  } else if (media_type == kToml) {
    if (const std::optional<int> line = line_of_deep_nesting(text)) {
      return refuse(*line, "nested too deeply", "", "at most 16 levels of keys or brackets");
    }
    try {
      const toml::table document = toml::parse(text, file_name);
      root = from_toml(document);
    } catch (const toml::parse_error& error) {
      return refuse(static_cast<int>(error.source().begin.line),
                    fmt::format("not TOML at column {}: {}", error.source().begin.column,
                                error.description()),
                    "", "a TOML document (texts in quotes, lists in [ ])");
    }
    root.line = 1;
  } else {
    return refuse(0, "unknown media type", std::string(media_type),
                  "application/toml or application/json");
  }
  Decoder decoder(file_name, supports);
  CampaignConfig config = decoder.campaign(root);
  if (decoder.failed()) return *decoder.error();
  config.text = std::string(text);
  config.media_type = std::string(media_type);
  return config;
}

CampaignDraft draft_of(const CampaignConfig& config) {
  CampaignDraft draft;
  draft.name = config.name;
  draft.owner = config.owner;
  draft.text = config.text;
  draft.media_type = config.media_type;
  draft.draft = config.draft;
  for (const Target& target : config.targets) {
    draft.properties.push_back(
        {target.name, target.unit, true, target.plausible_low, target.plausible_high});
  }
  return draft;
}

std::vector<std::string> campaign_keys() {
  std::vector<std::string> paths;
  for (const auto& [table, keys] : keys_by_table()) {
    for (const std::string& key : keys) paths.push_back(table.empty() ? key : table + "." + key);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace kasetsu::campaign
