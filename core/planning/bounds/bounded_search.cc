#include "core/planning/bounds/bounded_search.h"

#include <algorithm>
#include <unordered_set>

#include "core/base/constants.h"
#include "core/planning/bounds/bounded_search_impl.h"

namespace kasetsu::planning {
namespace {

constexpr std::size_t kBranchesAtOnce = 512;
constexpr std::size_t kBranchesOfItem = 16;

}  // namespace

Error planning_stopped() {
  return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
}

Branch BoundedSearch::Impl::Queue::pop() {
  const auto later = [](const Branch& a, const Branch& b) { return comes_before(b, a); };
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Branch first = heap_.back();
  heap_.pop_back();
  return first;
}

void BoundedSearch::Impl::Queue::push(const Branch& branch) {
  const auto later = [](const Branch& a, const Branch& b) { return comes_before(b, a); };
  heap_.push_back(branch);
  std::push_heap(heap_.begin(), heap_.end(), later);
  if (heap_.size() <= most_ + most_ / 4) return;
  const auto middle = heap_.begin() + static_cast<std::ptrdiff_t>(most_);
  std::nth_element(heap_.begin(), middle, heap_.end(), comes_before);
  dropped_ = std::max(dropped_, middle->bound);
  heap_.erase(middle, heap_.end());
  std::make_heap(heap_.begin(), heap_.end(), later);
}

bool BoundedSearch::Impl::build() {
  const selection::Predictor& predictor = *problem.surrogate->ensemble();
  const CandidateSpace& space = *problem.space;
  for (const auto& part : space.parts()) {
    if (!part.family) continue;
    const std::vector<int>& known_elements = predictor.model().features.elements;
    for (const int element : part.family->elements()) {
      if (!std::binary_search(known_elements.begin(), known_elements.end(), element)) return false;
    }
  }
  using Of = EnsembleBounds::Of;
  coordinates = EnsembleBounds::make(predictor, space, Of::places, control);
  if (!coordinates) return false;
  if (problem.exploit || problem.challenge) {
    tables = EnsembleBounds::make(predictor, space, Of::predictions, control);
    if (!tables) return false;
  }
  training = predictor.model().coordinates.transpose();
  known = problem.known.transpose();
  typical = predictor.model().typical_distance;
  best_of_exploit = Best(problem.exploit ? problem.pool : 0);
  best_of_challenge = Best(problem.challenge ? problem.pool : 0);
  return true;
}

Status BoundedSearch::Impl::run_best(Purpose purpose) {
  const bool exploiting = purpose == Purpose::exploit;
  const Best& best = exploiting ? best_of_exploit : best_of_challenge;
  bool& proven = exploiting ? exploit_proven : challenge_proven;
  const Branches branches(*tables);
  Queue queue(options.most_entries);
  for (const Branch& root : branches.roots()) queue.push(root);
  const std::uint64_t start = evaluated;
  std::uint64_t steps = 0;
  // One an item of a chunk: what a worker has learnt does not depend on the threads.
  std::vector<Worker> workers(kBranchesAtOnce / kBranchesOfItem, Worker(*tables));
  while (!queue.empty() && queue.front().bound >= best.limit()) {
    if (control.should_stop()) return planning_stopped();
    if (steps > options.most_steps || evaluated - start > options.most_evaluated) {
      proven = false;
      break;
    }
    const double limit = best.limit();
    std::vector<Branch> chunk;
    while (!queue.empty() && queue.front().bound >= limit && chunk.size() < kBranchesAtOnce)
      chunk.push_back(queue.pop());
    struct Found {
      std::vector<Branch> parts;
      std::vector<Promise> promises;
      std::uint64_t steps = 0, bounded = 0, opened = 0;
    };
    std::vector<Found> found((chunk.size() + kBranchesOfItem - 1) / kBranchesOfItem);
    executor.parallel_for(found.size(), [&](std::size_t item) {
      if (control.cancelled()) return;
      Worker& worker = workers[item];
      worker.steps = worker.bounded = worker.opened = 0;
      Found& out = found[item];
      const std::size_t last = std::min(chunk.size(), (item + 1) * kBranchesOfItem);
      for (std::size_t i = item * kBranchesOfItem; i < last; ++i)
        look_into(purpose, chunk[i], limit, worker, out.parts, out.promises);
      out.steps = worker.steps;
      out.bounded = worker.bounded;
      out.opened = worker.opened;
    });
    if (control.cancelled()) return planning_stopped();
    std::vector<Promise> promises;
    for (const Found& item : found) {
      steps += item.steps;
      bounded += item.bounded;
      opened += item.opened;
      for (const Branch& part : item.parts) queue.push(part);
      promises.insert(promises.end(), item.promises.begin(), item.promises.end());
    }
    if (Status status = keep_promises(purpose, std::move(promises), start); !status) return status;
  }
  if (queue.forgot() && queue.dropped() >= best.limit()) proven = false;
  return {};
}

// Evaluates candidates, the most promising first, as long as they may enter the list.
Status BoundedSearch::Impl::keep_promises(Purpose purpose, std::vector<Promise> promises,
                                          std::uint64_t start) {
  const bool exploiting = purpose == Purpose::exploit;
  const Best& best = exploiting ? best_of_exploit : best_of_challenge;
  bool& proven = exploiting ? exploit_proven : challenge_proven;
  // What was offered before must not be offered twice.
  std::unordered_set<std::uint64_t> listed;
  for (const Scored& item : best_of_exploit.sorted()) listed.insert(item.index);
  for (const Scored& item : best_of_challenge.sorted()) listed.insert(item.index);
  std::erase_if(promises, [&](const Promise& p) { return listed.count(p.index) > 0; });
  std::sort(promises.begin(), promises.end(), [](const Promise& a, const Promise& b) {
    return a.bound != b.bound ? a.bound > b.bound : a.index < b.index;
  });
  constexpr std::size_t kAtOnce = 256;
  for (std::size_t i = 0; i < promises.size() && promises[i].bound >= best.limit();) {
    if (evaluated - start > options.most_evaluated) {
      proven = false;
      return {};
    }
    std::vector<std::uint64_t> indices;
    for (; i < promises.size() && indices.size() < kAtOnce; ++i)
      indices.push_back(promises[i].index);
    if (Status status = evaluate(indices); !status) return status;
  }
  return {};
}

BoundedSearch::BoundedSearch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
BoundedSearch::~BoundedSearch() = default;

std::unique_ptr<BoundedSearch> BoundedSearch::make(BoundedProblem problem, BoundedOptions options,
                                                   const Executor& executor,
                                                   const Control& control) {
  KASETSU_ASSERT(problem.surrogate->ensemble() != nullptr);
  auto impl = std::make_unique<Impl>(std::move(problem), options, executor, control);
  if (!impl->build()) return nullptr;
  return std::unique_ptr<BoundedSearch>(new BoundedSearch(std::move(impl)));
}

Status BoundedSearch::prepare() {
  return impl_->sample();
}

Result<std::vector<Scored>> BoundedSearch::best_exploit() {
  if (Status status = impl_->run_best(Impl::Purpose::exploit); !status) return status.error();
  return impl_->best_of_exploit.sorted();
}

Result<std::vector<Scored>> BoundedSearch::best_challenge() {
  if (Status status = impl_->run_best(Impl::Purpose::challenge); !status) return status.error();
  return impl_->best_of_challenge.sorted();
}

std::uint64_t BoundedSearch::sets() const {
  return impl_->coordinates->sets;
}
std::uint64_t BoundedSearch::bounded() const {
  return impl_->bounded;
}
std::uint64_t BoundedSearch::opened() const {
  return impl_->opened;
}
std::uint64_t BoundedSearch::evaluated() const {
  return impl_->evaluated;
}
bool BoundedSearch::exploit_proven() const {
  return impl_->exploit_proven;
}
bool BoundedSearch::challenge_proven() const {
  return impl_->challenge_proven;
}
bool BoundedSearch::explore_proven() const {
  return impl_->explore_proven;
}

}  // namespace kasetsu::planning
