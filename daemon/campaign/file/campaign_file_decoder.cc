#include "daemon/campaign/file/campaign_file_decoder.h"

#include <cmath>

#include "core/chemistry/element.h"

namespace kasetsu::campaign {

const std::map<std::string, Keys, std::less<>>& keys_by_table() {
  static const std::map<std::string, Keys, std::less<>> keys = {
      {"",
       {"format", "name", "owner", "description", "draft", "targets", "properties", "space",
        "conditions", "rules", "materials", "model", "planner", "plate", "retrain", "stop",
        "webhooks"}},
      {"targets[]", {"name", "unit", "goal", "value", "tolerance", "hit_threshold", "plausible"}},
      {"properties[]", {"name", "unit", "plausible"}},
      {"space[]",
       {"kind", "elements", "slots", "none", "repetition", "step_at_percent", "loadings",
        "loading_unit", "min_elements", "max_elements", "total", "catalysts", "supports",
        "preparations"}},
      {"rules[]",
       {"name", "allow_elements", "forbid_elements", "on_supports", "forbid_together", "if_any",
        "needs_any", "group", "number_of_elements", "amount_of", "share_of", "total_amount",
        "forbid_supports", "mean_charge", "oxygen_per_atom", "charges", "at_least", "at_most"}},
      {"materials",
       {"sample_mass_g", "amounts", "weighable_mg", "forbid_hazards", "sample_price", "batch_price",
        "batch_mass_g", "items"}},
      {"materials.items[]",
       {"element", "support", "price_per_g", "stock_g", "grams_per_mol", "weighable_mg",
        "hazards"}},
      {"model",
       {"elements", "method", "order", "products", "loading", "normalize", "size", "epsilon",
        "alpha", "hypotheses", "shared", "search", "one_per_family", "seed", "work", "time_limit_s",
        "batch_offsets"}},
      {"planner",
       {"batch", "mix", "schedule", "acquisition", "diversity",
        "allow_recommending_already_measured", "allow_recommending_already_recommended",
        "allow_recommending_pending_experiments", "allow_recommending_failed", "references",
        "manual", "most_evaluated", "surrogate", "objective"}},
      {"planner.mix", {"explore", "challenge", "recheck", "exploit", "bridge", "random", "manual"}},
      {"planner.schedule[]", {"from_batch", "mix"}},
      {"planner.schedule[].mix",
       {"explore", "challenge", "recheck", "exploit", "bridge", "random", "manual"}},
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

void Decoder::fail(const Node& node, std::string_view path, std::string message, std::string value,
                   std::string expected) {
  if (error_) return;
  error_ = Error{ErrorCode::bad_data, std::move(message), where(node.line, path), std::move(value),
                 std::move(expected)};
}

void Decoder::fail_in(const Node& node, std::string_view path, const Error& inner) {
  if (error_) return;
  Error error = inner;
  error.code = ErrorCode::bad_data;
  error_ = error.in(where(node.line, path));
}

std::string Decoder::where(int line, std::string_view path) const {
  std::string text = file_;
  if (line > 0) text += fmt::format(":{}", line);
  if (!path.empty()) text += fmt::format(": {}", path);
  return text;
}

std::string Decoder::join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

bool Decoder::check_table(const Node& node, const std::string& path, std::string_view table) {
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

const Node* Decoder::required(const Node& table, const std::string& path, std::string_view key,
                              std::string_view example) {
  const Node* node = table.find(key);
  if (node == nullptr) {
    fail(table, path, fmt::format("the key \"{}\" is missing", key), "",
         fmt::format("for example {} = {}", key, example));
  }
  return node;
}

std::string Decoder::text(const Node* node, const std::string& path, std::string fallback) {
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

bool Decoder::flag(const Node* node, const std::string& path, bool fallback) {
  if (node == nullptr || failed()) return fallback;
  if (node->kind != Node::Kind::boolean) {
    fail(*node, path, "expected true or false", shown(*node), "true or false, without quotes");
    return fallback;
  }
  return node->boolean;
}

std::int64_t Decoder::whole(const Node* node, const std::string& path, std::int64_t low,
                            std::int64_t high, std::int64_t fallback) {
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

double Decoder::number(const Node* node, const std::string& path, double low, double high,
                       double fallback) {
  if (node == nullptr || failed()) return fallback;
  const bool bounded = low > -1e300 || high < 1e300;
  const std::string range = !bounded        ? "a number, without quotes and unit"
                            : high >= 1e300 ? fmt::format("a number from {:g}", low)
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

std::vector<std::string> Decoder::texts(const Node* node, const std::string& path,
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

std::vector<double> Decoder::numbers(const Node* node, const std::string& path,
                                     std::string_view example) {
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

std::vector<int> Decoder::elements(const Node* node, const std::string& path) {
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

const Node* Decoder::table(const Node& root, std::string_view key) {
  const Node* node = root.find(key);
  if (node == nullptr || !check_table(*node, std::string(key), key)) return nullptr;
  return node;
}

void Decoder::only(const Node& node, const std::string& path, std::string_view kind,
                   const std::vector<std::string>& allowed) {
  for (const auto& [key, value] : node.members) {
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
      fail(value, path, fmt::format("a key that {} does not have", kind), key,
           "one of " + joined(allowed));
    }
  }
}

planning::Candidate Decoder::candidate(const Node& item, const std::string& at) {
  planning::Candidate result;
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

}  // namespace kasetsu::campaign
