#include "core/selection/chronicle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/selection/ensemble.h"

namespace kasetsu::selection {
namespace {

using Texts = std::vector<std::string>;
constexpr int kFewestRows = 5;

ForetoldBatch held_against(const Predictions& said, const Eigen::VectorXd& y, std::string name) {
  ForetoldBatch batch;
  batch.name = std::move(name);
  batch.rows = static_cast<int>(y.size());
  batch.mae_model = (y - said.mean).cwiseAbs().mean();
  batch.mae_ensemble = (y - said.median).cwiseAbs().mean();
  const auto inside = (y.array() >= said.low.array()) && (y.array() <= said.high.array());
  batch.held = static_cast<double>(inside.count()) / static_cast<double>(y.size());
  const Eigen::VectorXd width = said.high - said.low;
  batch.width = median({width.begin(), width.end()});
  return batch;
}

// Lives by descriptors, in the order in which they were found.
class Register {
 public:
  void note_births(const Model& model) {
    for (const Hypothesis& hypothesis : model.hypotheses) {
      const Texts key = hypothesis_key(hypothesis, model.features.primaries);
      const auto [found, added] = index_.emplace(key, lives_.size());
      if (added) {
        Life life;
        life.descriptors = key;
        life.promised = hypothesis.mae_cv;
        life.born = hypothesis.born;
        lives_.push_back(std::move(life));
      }
    }
  }

  // The records have grown by what the batch said.
  void note_errors(const History& before, const History& now, int batch) {
    for (const LedgerRecord& record : now.records) {
      const LedgerRecord* old = before.find(record.descriptors);
      const int rows = record.count - (old != nullptr ? old->count : 0);
      if (rows == 0) continue;
      const double error = record.total_error - (old != nullptr ? old->total_error : 0.0);
      life_of(record.descriptors).errors.push_back({batch, error / rows});
    }
    for (const Texts& key : now.eliminated) {
      if (std::binary_search(before.eliminated.begin(), before.eliminated.end(), key)) continue;
      life_of(key).state = LifeState::eliminated;
      life_of(key).eliminated_by = batch;
    }
  }

  std::vector<Life> finish(const Model& last) {
    for (const auto& [kept, state] : {std::pair{&last.hypotheses, LifeState::alive},
                                      std::pair{&last.dormant, LifeState::dormant}}) {
      for (const Hypothesis& hypothesis : *kept) {
        const auto found = index_.find(hypothesis_key(hypothesis, last.features.primaries));
        if (found != index_.end()) lives_[found->second].state = state;
      }
    }
    std::erase_if(lives_, [](const Life& life) { return life.errors.empty(); });
    std::stable_sort(lives_.begin(), lives_.end(),
                     [](const Life& a, const Life& b) { return a.mean_error() < b.mean_error(); });
    return std::move(lives_);
  }

 private:
  Life& life_of(const Texts& key) { return lives_[index_.at(key)]; }

  std::map<Texts, std::size_t> index_;
  std::vector<Life> lives_;
};

// Rows of each batch, in the order of the batches. The first entry is what is learnt to begin with.
struct Sequence {
  std::vector<std::string> names;
  std::vector<std::vector<int>> rows;
};

Result<Sequence> sequence_of(const TrainingSet& data) {
  const auto wrong = [](std::string found) {
    return Error{ErrorCode::bad_data, "too few batches to play", "", std::move(found),
                 "a batch of five or more rows and another one after it"};
  };
  if (data.batches.empty()) return wrong("no batches");
  Sequence sequence;
  const std::vector<std::string> names = order_of_batches(data.batches);
  for (const std::string& name : names) {
    std::vector<int> rows;
    for (std::size_t i = 0; i < data.batches.size(); ++i) {
      if (data.batches[i] == name) rows.push_back(static_cast<int>(i));
    }
    if (!sequence.rows.empty() && std::ssize(sequence.rows.front()) < kFewestRows) {
      sequence.names.front() += ", " + name;
      sequence.rows.front().insert(sequence.rows.front().end(), rows.begin(), rows.end());
    } else {
      sequence.names.push_back(name);
      sequence.rows.push_back(std::move(rows));
    }
  }
  if (sequence.rows.size() < 2) return wrong(names.size() == 1 ? "1 batch" : "too few rows");
  return sequence;
}

}  // namespace

double Life::mean_error() const {
  double sum = 0.0;
  for (const Error& error : errors) sum += error.mae;
  return errors.empty() ? 0.0 : sum / static_cast<double>(errors.size());
}

std::vector<std::string> order_of_batches(std::span<const std::string> labels) {
  std::vector<std::string> names;
  std::set<std::string> known;
  for (const std::string& label : labels) {
    if (known.insert(label).second) names.push_back(label);
  }
  std::vector<std::pair<double, std::string>> numbers;
  for (const std::string& name : names) {
    const std::optional<double> value = parse_number(name);
    if (!value || !std::isfinite(*value)) return names;
    numbers.emplace_back(*value, name);
  }
  std::stable_sort(numbers.begin(), numbers.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = std::move(numbers[i].second);
  return names;
}

Result<Chronicle> play_batches(const chemistry::ElementTable& elements, const TrainingSet& data,
                               const ModelSettings& settings, const Executor& executor,
                               const Control& control) {
  const Result<Sequence> sequence = sequence_of(data);
  if (!sequence) return sequence.error();
  TrainingSet all = data;
  all.batches.clear();
  Control quiet;
  quiet.stop = control.stop;
  std::vector<int> known = sequence->rows.front();
  Chronicle chronicle;
  chronicle.learnt_first = static_cast<int>(known.size());
  Register lives;
  History history;
  for (std::size_t next = 1; next <= sequence->rows.size(); ++next) {
    if (control.cancelled()) return cancelled_error();
    control.report(static_cast<double>(next - 1) / static_cast<double>(sequence->rows.size()),
                   "playing the batches");
    Result<Model> model = train(elements, subset(all, known), settings, executor, quiet, history);
    if (!model) return model.error();
    if (control.cancelled()) return cancelled_error();
    lives.note_births(*model);
    if (next == sequence->rows.size()) {
      chronicle.last = std::move(*model);
      break;
    }
    const Result<Predictor> predictor = Predictor::make(*model);
    if (!predictor) return predictor.error();
    const TrainingSet batch = subset(all, sequence->rows[next]);
    const Result<Predictions> said = predictor->predict(batch.catalysts, batch.conditions);
    if (!said) return said.error();
    chronicle.batches.push_back(held_against(*said, batch.y, sequence->names[next]));
    known.insert(known.end(), sequence->rows[next].begin(), sequence->rows[next].end());
    Result<Succession> succession = history_of(*model, subset(all, known));
    if (!succession) return succession.error();
    lives.note_errors(history, succession->history, static_cast<int>(next) - 1);
    history = std::move(succession->history);
  }
  chronicle.lives = lives.finish(chronicle.last);
  control.report(1.0, "played");
  return chronicle;
}

}  // namespace kasetsu::selection
