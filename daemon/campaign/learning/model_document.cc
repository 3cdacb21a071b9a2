#include "daemon/campaign/learning/model_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/base/names.h"
#include "core/chemistry/element.h"
#include "daemon/campaign/learning/document_io.h"

namespace kasetsu::campaign {
namespace {

using descriptors::kBlockNames;
using descriptors::kLoadingNames;
using descriptors::kMethodNames;
using descriptors::kNormalizationNames;
using descriptors::kOperationNames;
using selection::Hypothesis;
using selection::Model;

// Atomic numbers, as symbols in the document.
template <typename Io, typename Numbers>
void describe_elements(Io& io, const char* name, Numbers& elements) {
  std::vector<std::string> symbols;
  if constexpr (Io::kReads) {
    io.field(name, symbols);
    elements.clear();
    for (const std::string& symbol : symbols) {
      const std::optional<int> element = chemistry::atomic_number(symbol);
      if (!element)
        refuse_document(json_pointer(io.at(), name), "unknown element", symbol,
                        "a chemical symbol");
      elements.push_back(*element);
    }
  } else {
    for (const int element : elements) symbols.emplace_back(chemistry::element_symbol(element));
    io.field(name, symbols);
  }
}

template <typename Io, typename Settings>
void describe_settings(Io& io, Settings& settings) {
  io.name("method", kMethodNames, settings.features.method);
  io.name("loading", kLoadingNames, settings.features.loading);
  io.name("normalize", kNormalizationNames, settings.features.normalize);
  io.field("order", settings.order);
  io.field("products", settings.products);
  io.field("size_by_nested_error", settings.size_by_nested_error);
  io.field("coverage", settings.coverage);
  io.field("trees", settings.trees);
  io.field("calibration_folds", settings.calibration_folds);
  io.name("search", selection::kSearchMethodNames, settings.search.method);
  io.field("size", settings.search.size);
  io.field("epsilon", settings.search.regression.epsilon);
  io.field("alpha", settings.search.regression.alpha);
  io.field("one_per_family", settings.search.one_per_family);
  io.field("hypotheses", settings.search.hypotheses);
  io.field("shared", settings.search.shared);
  io.field("seed", settings.search.seed);
  io.field("work", settings.search.work);
  io.field("time_limit", settings.search.time_limit);
}

template <typename Io, typename Features>
void describe_features(Io& io, Features& state) {
  io.name("method", kMethodNames, state.options.method);
  io.name("loading", kLoadingNames, state.options.loading);
  io.name("normalize", kNormalizationNames, state.options.normalize);
  io.field("element_table", state.element_table);
  io.field("properties", state.properties);
  describe_elements(io, "elements", state.elements);
  io.matrix("normalized", state.normalized, static_cast<Eigen::Index>(state.properties.size()));
  io.field("active_mean", state.active_mean);
  io.field("support_mean", state.support_mean);
  io.field("condition_names", state.condition_names);
  io.list("primaries", state.primaries, [](auto& inner, auto& primary) {
    inner.field("name", primary.name);
    inner.field("property", primary.property);
    inner.name("block", kBlockNames, primary.block);
    inner.name("operation", kOperationNames, primary.operation);
  });
  io.field("offset", state.offset);
}

// What people and scripts want of a hypothesis.
template <typename Io, typename H>
void describe_formula(Io& io, H& hypothesis, const std::vector<descriptors::Primary>& primaries) {
  std::vector<std::string> texts;
  if constexpr (Io::kReads) {
    io.field("descriptors", texts);
    for (const std::string& text : texts) {
      auto descriptor = descriptors::parse_descriptor(text, primaries);
      if (!descriptor) throw UnreadableDocument{descriptor.error()};
      hypothesis.descriptors.push_back(std::move(*descriptor));
    }
  } else {
    for (const descriptors::Descriptor& descriptor : hypothesis.descriptors)
      texts.push_back(descriptors::to_text(descriptor, primaries));
    io.field("descriptors", texts);
  }
  io.field("coefficients", hypothesis.coefficients);
  io.field("intercept", hypothesis.intercept);
  io.field("scale", hypothesis.scale);
  io.field("mae_train", hypothesis.mae_train);
  io.field("mae_cv", hypothesis.mae_cv);
  io.field("weight", hypothesis.weight);
}

template <typename Io, typename H>
void describe_hypothesis(Io& io, H& hypothesis,
                         const std::vector<descriptors::Primary>& primaries) {
  describe_formula(io, hypothesis, primaries);
  io.field("promise", hypothesis.promise);
  io.field("low", hypothesis.low);
  io.field("high", hypothesis.high);
  io.field("center", hypothesis.center);
  io.field("spread", hypothesis.spread);
}

// One number of each item, as a list.
template <typename Io, typename Items, typename Number>
void describe_numbers(Io& io, const char* name, Items& items, Number number) {
  std::vector<std::decay_t<decltype(number(items.front()))>> numbers;
  if constexpr (Io::kReads) {
    io.field(name, numbers);
    if (numbers.size() != items.size())
      refuse_document(json_pointer(io.at(), name), "not one number for each of those before",
                      fmt::format("{}", numbers.size()), fmt::format("{}", items.size()));
    for (std::size_t i = 0; i < items.size(); ++i) number(items[i]) = numbers[i];
  } else {
    for (const auto& item : items) numbers.push_back(number(item));
    io.field(name, numbers);
  }
}

// What a model inherited: when each hypothesis was found, the dormant ones, and what each record of
// the ledger says of first predictions. After the hypotheses and the ledger.
template <typename Io, typename M>
void describe_population(Io& io, M& model) {
  io.field("generation", model.generation);
  describe_numbers(
      io, "born", model.hypotheses, [](auto& h) -> auto& { return h.born; });
  describe_numbers(
      io, "first_error", model.ledger, [](auto& r) -> auto& { return r.first_error; });
  describe_numbers(
      io, "first_promised", model.ledger, [](auto& r) -> auto& { return r.first_promised; });
  io.list("dormant", model.dormant, [&](auto& inner, auto& hypothesis) {
    describe_hypothesis(inner, hypothesis, model.features.primaries);
    inner.field("born", hypothesis.born);
  });
  bool has_forward = true;  // documents of older programs do not
  if constexpr (Io::kReads) has_forward = io.has("forward");
  if (!has_forward) return;
  io.list("forward", model.forward, [](auto& inner, auto& errors) {
    inner.field("generation", errors.generation);
    inner.field("ratios", errors.ratios);
    inner.field("held", errors.held);
  });
  io.field("widening", model.widening);
}

template <typename Io, typename N>
void describe_noise(Io& io, N& noise) {
  io.field("replicated", noise.replicated);
  io.field("rows", noise.rows);
  io.field("pure_df", noise.pure_df);
  io.field("pure_sd", noise.pure_sd);
  io.field("fit_df", noise.fit_df);
  io.field("fit_sd", noise.fit_sd);
  io.field("f", noise.f);
  io.field("p", noise.p);
}

template <typename Io, typename Offsets>
void describe_offsets(Io& io, Offsets& offsets) {
  io.list("batches", offsets.batches, [](auto& inner, auto& batch) {
    inner.field("batch", batch.name);
    inner.field("offset", batch.offset);
    inner.field("standard_error", batch.standard_error);
    inner.field("rows", batch.rows);
    inner.field("bridges", batch.bridges);
  });
  io.field("bridge_points", offsets.bridge_points);
  io.field("between_sd", offsets.between_sd);
  io.field("within_sd", offsets.within_sd);
  io.field("df", offsets.df);
  io.field("p", offsets.p);
  io.field("why_none", offsets.why_none);
}

// A tree's nodes as three lists.
template <typename Io, typename T>
void describe_tree(Io& io, T& tree) {
  std::vector<int> columns, right;
  Eigen::VectorXd values;
  if constexpr (Io::kReads) {
    io.field("column", columns);
    io.field("right", right);
    io.field("value", values);
    if (columns.size() != right.size() || std::ssize(columns) != values.size())
      refuse_document(io.at(), "a tree's nodes do not agree");
    for (std::size_t i = 0; i < columns.size(); ++i)
      tree.nodes.push_back({columns[i], right[i], values[static_cast<Eigen::Index>(i)]});
  } else {
    values.resize(std::ssize(tree.nodes));
    for (const auto& node : tree.nodes) {
      values[std::ssize(columns)] = node.value;
      columns.push_back(node.column);
      right.push_back(node.right);
    }
    io.field("column", columns);
    io.field("right", right);
    io.field("value", values);
  }
}

template <typename Io, typename C>
void describe_companion(Io& io, C& companion) {
  io.field("name", companion.name);
  io.field("weight", companion.weight);
  io.field("primaries", companion.primaries);
  describe_elements(io, "elements", companion.composition.elements);
  io.field("supports", companion.composition.supports);
  io.field("conditions", companion.composition.conditions);
  io.name("center", regression::kCenterNames, companion.forest.center);
  io.list("trees", companion.forest.trees,
          [](auto& inner, auto& tree) { describe_tree(inner, tree); });
  io.field("honest", companion.honest);
}

template <typename Io, typename M>
void describe_search(Io& io, M& model) {
  io.field("n_samples", model.n_samples);
  io.field("n_descriptors", model.n_descriptors);
  io.field("size", model.size);
  io.object("effort", [&](auto& inner) {
    inner.field("evaluations", model.search.evaluations);
    inner.field("exact_evaluations", model.search.exact_evaluations);
    inner.field("work", model.search.work);
    inner.field("stopped_by", model.search.stopped_by);
  });
  io.list("sizes_tried", model.sizes_tried, [](auto& inner, auto& tried) {
    inner.field("size", tried.size);
    inner.field("mae_honest", tried.mae_honest);
  });
}

template <typename Io, typename M>
void describe_model(Io& io, M& model) {
  io.object("settings", [&](auto& inner) { describe_settings(inner, model.settings); });
  io.object("features", [&](auto& inner) { describe_features(inner, model.features); });
  io.list("hypotheses", model.hypotheses, [&](auto& inner, auto& hypothesis) {
    describe_hypothesis(inner, hypothesis, model.features.primaries);
  });
  if (model.hypotheses.empty())
    refuse_document("/hypotheses", "a model without hypotheses", "", "at least one");
  describe_search(io, model);
  io.field("catalysts", model.catalysts);
  io.field("y", model.y);
  io.field("loo_prediction", model.loo_prediction);
  io.field("honest_prediction", model.honest_prediction);
  io.field("honest_hypotheses", model.honest_hypotheses);
  io.list("companions", model.companions,
          [](auto& inner, auto& companion) { describe_companion(inner, companion); });
  io.list("ledger", model.ledger, [](auto& inner, auto& record) {
    inner.field("descriptors", record.descriptors);
    inner.field("count", record.count);
    inner.field("total_error", record.total_error);
    inner.field("total_log_p", record.total_log_p);
    inner.field("worse", record.worse);
    bool has_bets = !record.log_bets.empty();
    if constexpr (Io::kReads) has_bets = inner.has("log_bets");
    if (has_bets) inner.field("log_bets", record.log_bets);
  });
  io.field("eliminated", model.eliminated);
  // First models and those of older programs inherited nothing.
  bool inherited = model.generation > 0;
  if constexpr (Io::kReads) inherited = io.has("population");
  if (inherited) io.object("population", [&](auto& inner) { describe_population(inner, model); });
  io.object("noise", [&](auto& inner) { describe_noise(inner, model.noise); });
  // Only where the term was asked for: other documents do not change by it.
  bool has_offsets = !model.offsets.batches.empty();
  if constexpr (Io::kReads) has_offsets = io.has("batch_offsets");
  if (has_offsets)
    io.object("batch_offsets", [&](auto& inner) { describe_offsets(inner, model.offsets); });
  describe_elements(io, "seen_elements", model.elements);
  io.field("seen_supports", model.supports);
  io.field("base", model.base);
  io.field("scores", model.scores);
  io.matrix("coordinates", model.coordinates, std::ssize(model.hypotheses.front().descriptors));
  io.field("typical_distance", model.typical_distance);
}

void check_hypothesis(const Hypothesis& hypothesis, const std::string& at) {
  const auto size = static_cast<Eigen::Index>(hypothesis.descriptors.size());
  for (const Eigen::VectorXd* vector : {&hypothesis.coefficients, &hypothesis.low, &hypothesis.high,
                                        &hypothesis.center, &hypothesis.spread}) {
    if (vector->size() != size || size == 0 || !vector->allFinite())
      refuse_document(at, "a hypothesis does not have one finite number a descriptor");
  }
}

void check_companion(selection::Companion& companion, const Model& model, const std::string& at) {
  const auto primaries = static_cast<int>(model.features.primaries.size());
  for (const int column : companion.primaries) {
    if (column < 0 || column >= primaries)
      refuse_document(at, "a column that is no primary", fmt::format("{}", column));
  }
  const int conditions = companion.composition.conditions;
  if (conditions != 0 && conditions != static_cast<int>(model.features.condition_names.size()))
    refuse_document(at, "conditions that the model does not have", fmt::format("{}", conditions));
  companion.forest.columns = static_cast<int>(companion.primaries.size()) +
                             static_cast<int>(companion.composition.count());
  if (!(companion.weight >= 0.0 && companion.weight <= 1.0) || !companion.forest.sound())
    refuse_document(at, "the companion is not a forest with a weight");
}

// What the members must agree on. Fills in the numbers that are not in the document.
void check_model(Model& model) {
  if (const Status status = model.settings.validate(); !status)
    throw UnreadableDocument{status.error().in("/settings")};
  for (std::size_t i = 0; i < model.hypotheses.size(); ++i)
    check_hypothesis(model.hypotheses[i], fmt::format("/hypotheses/{}", i));
  for (std::size_t i = 0; i < model.dormant.size(); ++i)
    check_hypothesis(model.dormant[i], fmt::format("/population/dormant/{}", i));
  for (const selection::ForwardErrors& errors : model.forward) {
    if (!errors.ratios.allFinite() || !(errors.held >= 0.0 && errors.held <= 1.0))
      refuse_document("/population/forward", "errors that are not numbers");
  }
  if (!(model.widening >= 0.0 && std::isfinite(model.widening)))
    refuse_document("/population/widening", "not a factor");
  for (const selection::LedgerRecord& record : model.ledger) {
    if (!std::isfinite(record.first_error) || !std::isfinite(record.first_promised))
      refuse_document("/population", "an error or a promise that is not a number");
    const bool finite = std::all_of(record.log_bets.begin(), record.log_bets.end(),
                                    [](double log) { return std::isfinite(log); });
    if (!finite || (!record.log_bets.empty() && std::ssize(record.log_bets) != selection::kBets))
      refuse_document("/ledger", "bets that are not what the ledger keeps");
  }
  double share = 0.0;
  for (std::size_t i = 0; i < model.companions.size(); ++i) {
    check_companion(model.companions[i], model, fmt::format("/companions/{}", i));
    share += model.companions[i].weight;
  }
  if (share > 1.0 + 1e-9)
    refuse_document("/companions", "weights above 1", fmt::format("{}", share));
  for (const selection::BatchOffsets::Batch& batch : model.offsets.batches) {
    if (!std::isfinite(batch.offset))
      refuse_document("/batch_offsets/batches", "an offset that is not a number");
  }
  const Eigen::Index rows = model.n_samples;
  if (rows < 1 || model.y.size() != rows ||
      model.catalysts.size() != static_cast<std::size_t>(rows) ||
      model.loo_prediction.size() != rows || model.scores.size() != rows ||
      !model.scores.allFinite() ||
      (model.honest_prediction.size() != 0 && model.honest_prediction.size() != rows) ||
      model.coordinates.rows() != rows) {
    refuse_document("/n_samples", "the rows of the training set do not agree",
                    fmt::format("{}", rows));
  }
}

template <typename Io, typename Provenance>
void describe_provenance(Io& io, Provenance& provenance) {
  io.field("target", provenance.target);
  io.field("unit", provenance.unit);
  io.field("snapshot", provenance.snapshot);
  io.field("code_version", provenance.code_version);
}

// The JSON of one record.
template <typename Describe>
Json json_of(Describe describe) {
  DocumentWriter writer;
  describe(writer);
  return writer.json();
}

}  // namespace

Json settings_json(const selection::ModelSettings& settings) {
  return json_of([&](auto& io) { describe_settings(io, settings); });
}

Json hypotheses_json(const Model& model) {
  Json out = Json::array();
  for (const Hypothesis& hypothesis : model.hypotheses) {
    out.push_back(
        json_of([&](auto& io) { describe_formula(io, hypothesis, model.features.primaries); }));
  }
  return out;
}

Json noise_json(const selection::Noise& noise) {
  return json_of([&](auto& io) { describe_noise(io, noise); });
}

Json offsets_json(const selection::BatchOffsets& offsets) {
  return json_of([&](auto& io) { describe_offsets(io, offsets); });
}

Json honest_json(const Model& model) {
  if (model.honest_prediction.size() == 0) return nullptr;
  return (model.y - model.honest_prediction).cwiseAbs().mean();
}

Json sizes_json(const Model& model) {
  Json out = Json::array();
  for (const selection::SizeTried& tried : model.sizes_tried) {
    out.push_back(
        {{"size", tried.size}, {"mae_honest", DocumentWriter::written(tried.mae_honest)}});
  }
  return out;
}

Json intervals_json(const Model& model) {
  if (model.forward.empty()) return nullptr;
  Json recent = Json::array();
  for (const selection::ForwardErrors& errors : model.forward) {
    recent.push_back(
        {{"generation", errors.generation}, {"n", errors.ratios.size()}, {"held", errors.held}});
  }
  return {{"widening", DocumentWriter::written(model.widening)}, {"recent", recent}};
}

Json parts_json(const Model& model) {
  const auto honest = [&](const Eigen::VectorXd& said) -> Json {
    if (said.size() != model.y.size()) return nullptr;
    return (model.y - said).cwiseAbs().mean();
  };
  double rest = 1.0;
  Json companions = Json::array();
  for (const selection::Companion& companion : model.companions) {
    rest -= companion.weight;
    companions.push_back({{"name", companion.name},
                          {"weight", companion.weight},
                          {"mae_honest", honest(companion.honest)}});
  }
  Json out = Json::array();
  out.push_back({{"name", "hypotheses"},
                 {"weight", std::max(0.0, rest)},
                 {"mae_honest", honest(model.honest_hypotheses)}});
  for (Json& companion : companions) out.push_back(std::move(companion));
  return out;
}

std::string write_model(const ModelDocument& document) {
  DocumentWriter writer;
  writer.field("kasetsu_model", kModelFormat);
  describe_provenance(writer, document.provenance);
  describe_model(writer, document.model);
  Json json = writer.json();
  if (!document.provenance.amounts.empty()) json["amounts"] = document.provenance.amounts;
  return json.dump() + "\n";
}

Result<ModelDocument> read_model(std::string_view text) {
  const Result<Json> parsed = parse_json(text);
  if (!parsed) return parsed.error();
  try {
    const DocumentReader reader(*parsed, "");
    int format = 0;
    reader.field("kasetsu_model", format);
    if (format != kModelFormat) {
      refuse_document(kModelFormatPointer, "unknown format of a model document",
                      fmt::format("{}", format), fmt::format("{}", kModelFormat));
    }
    ModelDocument document;
    describe_provenance(reader, document.provenance);
    if (reader.has("amounts")) reader.field("amounts", document.provenance.amounts);
    describe_model(reader, document.model);
    check_model(document.model);
    return document;
  } catch (const UnreadableDocument& unreadable) {
    return unreadable.error;
  }
}

}  // namespace kasetsu::campaign
