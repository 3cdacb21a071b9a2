// Durable results a second: single rows by many waiting clients (they share commits), and bulk
// deliveries. The folder is that of the environment's TMPDIR: on a real disk the first is bound by
// its fsync, on /dev/shm by the program.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/random.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/jobs/schedule.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu {
namespace {

using campaign::Context;
using campaign::DeliveryFormat;
using campaign::DeliveryOptions;
using campaign::PreparedDelivery;
using campaign::Transaction;

const char* const kElements[] = {"Li", "Na", "K",  "Mg", "Ca", "Sr", "Ba", "La", "Ce", "Mn",
                                 "W",  "Fe", "Co", "Ni", "Cu", "Zn", "Ti", "Zr", "Mo", "Y"};

struct Laboratory {
  Laboratory() : ids(system_random) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "kasetsu-bench-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    supports =
        *chemistry::SupportTable::from_csv("support_name,formula,source\nMgO,MgO,x\n", "s.csv");
    store::StoreOptions options;
    options.path = folder / "kasetsu.db";
    database = std::move(store::SqliteDatabase::open(options)).value();
    for (const char* name : {"ocm", "beside"}) {
      campaign::CampaignDraft draft;
      draft.name = name;
      draft.text = "bench";
      draft.properties = {{"yield", "%", true, 0.0, 100.0}};
      (void)campaign::write_and_wait(*database, [&](Transaction& tx) -> Status {
        return campaign::apply_campaign(tx, draft, context()).ok() ? Status{} : Error{};
      });
    }
  }
  ~Laboratory() {
    database.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Context context() { return {system_now(), &ids, "bench"}; }

  std::string single(Random& random, int client, int number) {
    return fmt::format(
        R"({{"source":"rig-{}","run":"r1","rows":[{{"catalyst":{{"slots":["{}","{}","{}"],"support":"MgO"}},)"
        R"("channel":{},"sequence":{},"values":{{"yield":{:.3f}}}}}]}})",
        client, kElements[random.below(20)], kElements[random.below(20)],
        kElements[random.below(20)], client, number, random.uniform() * 30);
  }

  std::filesystem::path folder;
  UlidSource ids;
  chemistry::SupportTable supports;
  std::unique_ptr<store::SqliteDatabase> database;
};

void single_rows(benchmark::State& state) {
  const int clients = static_cast<int>(state.range(0));
  constexpr int kEach = 1500;
  for (auto _ : state) {
    state.PauseTiming();
    Laboratory lab;
    std::mutex mutex;
    std::vector<double> waits;
    std::atomic<int> failed{0};
    // Clients that wait are cheap here: each is a chain of callbacks over a small pool of decoding
    // threads.
    state.ResumeTiming();
    std::vector<std::thread> threads;
    threads.reserve(static_cast<std::size_t>(clients));
    for (int c = 0; c < clients; ++c) {
      threads.emplace_back([&, c] {
        Random random(9, static_cast<std::uint64_t>(c));
        std::vector<double> mine;
        for (int i = 0; i < kEach; ++i) {
          const auto begin = std::chrono::steady_clock::now();
          auto prepared = std::make_shared<PreparedDelivery>(
              *campaign::prepare_delivery(lab.single(random, c, i), {}, lab.supports));
          const Status status =
              campaign::write_and_wait(*lab.database, [&lab, prepared](Transaction& tx) -> Status {
                const auto receipt = campaign::ingest(tx, "ocm", *prepared, lab.context());
                return receipt ? Status{} : Status(receipt.error());
              });
          if (!status.ok()) ++failed;
          mine.push_back(
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        }
        const std::lock_guard guard(mutex);
        waits.insert(waits.end(), mine.begin(), mine.end());
      });
    }
    for (std::thread& thread : threads) thread.join();
    state.PauseTiming();
    std::sort(waits.begin(), waits.end());
    const auto statistics = lab.database->statistics();
    state.counters["failed"] = failed.load();
    state.counters["p99_ms"] = waits[waits.size() * 99 / 100] * 1e3;
    state.counters["rows_a_commit"] =
        static_cast<double>(statistics.tasks) / static_cast<double>(statistics.commits);
    state.counters["commit_ms"] =
        statistics.commit_seconds * 1e3 / static_cast<double>(statistics.commits);
    state.ResumeTiming();
  }
  state.counters["rows_per_s"] = benchmark::Counter(
      static_cast<double>(clients) * kEach * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}
BENCHMARK(single_rows)
    ->Arg(1)
    ->Arg(32)
    ->Arg(128)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(1);

void bulk(benchmark::State& state) {
  const bool csv = state.range(0) == 1;
  constexpr int kRows = 200'000;
  double prepare_seconds = 0.0;
  double write_seconds = 0.0;
  for (auto _ : state) {
    state.PauseTiming();
    Laboratory lab;
    Random random(4);
    std::string text;
    if (csv) text += "M1,M2,M3,Support,channel,sequence,yield\n";
    for (int i = 0; i < kRows; ++i) {
      const char* a = kElements[random.below(20)];
      const char* b = kElements[random.below(20)];
      const char* c = kElements[random.below(20)];
      const double value = random.uniform() * 30;
      auto out = std::back_inserter(text);
      if (csv) {
        fmt::format_to(out, "{},{},{},MgO,{},{},{:.3f}\n", a, b, c, i % 20, i, value);
      } else {
        fmt::format_to(out,
                       R"({{"catalyst":{{"slots":["{}","{}","{}"],"support":"MgO"}},)"
                       R"("channel":{},"sequence":{},"values":{{"yield":{:.3f}}}}})"
                       "\n",
                       a, b, c, i % 20, i, value);
      }
    }
    DeliveryOptions options;
    options.format = csv ? DeliveryFormat::csv : DeliveryFormat::ndjson;
    options.source = "rig";
    options.run = "r";
    options.properties = {{"yield", "%", true, 0.0, 100.0}};
    state.ResumeTiming();
    const auto begin = std::chrono::steady_clock::now();
    const auto prepared = campaign::prepare_delivery(std::move(text), options, lab.supports);
    const auto middle = std::chrono::steady_clock::now();
    const Status status = campaign::write_and_wait(*lab.database, [&](Transaction& tx) -> Status {
      const auto receipt = campaign::ingest(tx, "ocm", *prepared, lab.context());
      if (!receipt) return receipt.error();
      return receipt->ingest.accepted + receipt->ingest.flagged == kRows
                 ? Status{}
                 : Status(Error{ErrorCode::internal,
                                fmt::format("{} accepted, {} flagged", receipt->ingest.accepted,
                                            receipt->ingest.flagged),
                                {},
                                {},
                                {}});
    });
    const auto end = std::chrono::steady_clock::now();
    state.PauseTiming();
    if (!status.ok()) {
      state.SkipWithError(status.error().to_string().c_str());
      break;
    }
    prepare_seconds += std::chrono::duration<double>(middle - begin).count();
    write_seconds += std::chrono::duration<double>(end - middle).count();
    state.ResumeTiming();
  }
  const double rows = static_cast<double>(kRows) * static_cast<double>(state.iterations());
  state.counters["rows_per_s"] = rows / (prepare_seconds + write_seconds);
  state.counters["prepare_rows_per_s"] = rows / prepare_seconds;
  state.counters["write_rows_per_s"] = rows / write_seconds;
}
BENCHMARK(bulk)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

// Whether a million measurements make anything slow that should not be.
void million(benchmark::State& state) {
  for (auto _ : state) {
    Laboratory lab;
    Random random(12);
    const auto seconds_of = [](const auto& work) {
      const auto begin = std::chrono::steady_clock::now();
      work();
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    const auto deliver = [&](const PreparedDelivery& prepared) {
      return campaign::write_and_wait(*lab.database, [&](Transaction& tx) -> Status {
        const auto receipt = campaign::ingest(tx, "ocm", prepared, lab.context());
        return receipt ? Status{} : Status(receipt.error());
      });
    };
    const auto bulk_of = [&](int round, int rows) {
      std::string text = "M1,M2,M3,Support,channel,sequence,yield\n";
      for (int i = 0; i < rows; ++i) {
        fmt::format_to(std::back_inserter(text), "{},{},{},MgO,{},{},{:.3f}\n",
                       kElements[random.below(20)], kElements[random.below(20)],
                       kElements[random.below(20)], i % 20, i, random.uniform() * 30);
      }
      DeliveryOptions options;
      options.format = DeliveryFormat::csv;
      options.source = "rig";
      options.run = fmt::format("run {}", round);
      options.properties = {{"yield", "%", true, 0.0, 100.0}};
      const auto prepared = campaign::prepare_delivery(std::move(text), options, lab.supports);
      return seconds_of([&] {
        if (!deliver(*prepared).ok()) state.SkipWithError("refused");
      });
    };
    constexpr int kRounds = 20;
    constexpr int kRows = 50'000;
    const double first = bulk_of(0, kRows);
    double last = 0.0;
    for (int round = 1; round < kRounds; ++round) last = bulk_of(round, kRows);
    const auto read = [&](const std::function<void(const campaign::Reader&)>& task) {
      return seconds_of([&] {
        (void)lab.database->read([&](const campaign::Reader& reader) -> Status {
          task(reader);
          return {};
        });
      });
    };
    campaign::Page page;
    page.after = 900'000;
    state.counters["first_rows_per_s"] = kRows / first;
    state.counters["last_rows_per_s"] = kRows / last;
    state.counters["page_of_100_ms"] = 1e3 * read([&](const campaign::Reader& reader) {
                                         benchmark::DoNotOptimize(reader.measurements(1, {}, page));
                                       });
    state.counters["training_s"] = read([&](const campaign::Reader& reader) {
      benchmark::DoNotOptimize(reader.training_set(1, "yield"));
    });
    state.counters["known_s"] = read(
        [&](const campaign::Reader& reader) { benchmark::DoNotOptimize(reader.known_points(1)); });
    const auto one = campaign::prepare_delivery(lab.single(random, 999, 999), {}, lab.supports);
    state.counters["single_ms"] = 1e3 * seconds_of([&] { (void)deliver(*one); });
    state.counters["MiB"] =
        static_cast<double>(lab.database->statistics().database_bytes) / (1 << 20);
    lab.database.reset();
    store::StoreOptions options;
    options.path = lab.folder / "kasetsu.db";
    state.counters["start_s"] =
        seconds_of([&] { lab.database = std::move(store::SqliteDatabase::open(options)).value(); });
  }
}
BENCHMARK(million)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

// What the worker and readers ask again and again while results stream in, in a campaign of 1,000
// catalysts that has a model of all but the newest hundred measurements; and what a usual campaign
// costs beside it, whose 400 measurements lie before, among and behind those. Shortest of three.
void learning(benchmark::State& state) {
  const auto measurements = static_cast<int>(state.range(0));
  constexpr int kSince = 100;
  for (auto _ : state) {
    Laboratory lab;
    Random random(12);
    int number = 0;
    const auto deliver = [&](int rows, const char* campaign) {
      std::string text = "M1,M2,M3,Support,channel,sequence,yield\n";
      for (int i = 0; i < rows; ++i, ++number) {
        fmt::format_to(std::back_inserter(text), "{},{},{},MgO,{},{},{:.3f}\n",
                       kElements[number % 10], kElements[10 + number / 10 % 10],
                       kElements[number / 100 % 10], number % 20, number, random.uniform() * 30);
      }
      DeliveryOptions options;
      options.format = DeliveryFormat::csv;
      options.source = "rig";
      options.run = "r";
      options.properties = {{"yield", "%", true, 0.0, 100.0}};
      const auto prepared = campaign::prepare_delivery(std::move(text), options, lab.supports);
      const Status status = campaign::write_and_wait(*lab.database, [&](Transaction& tx) -> Status {
        const auto receipt = campaign::ingest(tx, campaign, *prepared, lab.context());
        return receipt ? Status{} : Status(receipt.error());
      });
      if (!status.ok()) state.SkipWithError(status.error().to_string().c_str());
    };
    const int before = measurements - kSince;
    for (int part = 0; part < 20; ++part) {
      deliver(20, "beside");
      deliver(before / 20 + (part < before % 20 ? 1 : 0), "ocm");
    }
    Digest snapshot;
    const Status kept = campaign::write_and_wait(*lab.database, [&](Transaction& tx) -> Status {
      campaign::NewModel model;
      model.property = "yield";
      model.document = "{}";
      model.training = tx.training_set(1, "yield");
      snapshot = model.training.snapshot;
      model.mae_cv = 1.0;
      model.summary = "{}";
      const auto made = campaign::keep_model(tx, "ocm", model, lab.context());
      return made ? Status{} : Status(made.error());
    });
    if (!kept.ok()) state.SkipWithError(kept.error().to_string().c_str());
    deliver(kSince, "ocm");

    const auto counter = [&](const char* name, const auto& task) {
      double shortest = 1e9;
      for (int i = 0; i < 3; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        (void)lab.database->read([&](const campaign::Reader& reader) -> Status {
          task(reader);
          return {};
        });
        shortest = std::min(shortest, std::chrono::duration<double, std::milli>(
                                          std::chrono::steady_clock::now() - begin)
                                          .count());
      }
      state.counters[name] = shortest;
    };
    const auto look = [&](campaign::RetrainWhen when, const char* name) {
      campaign::CampaignConfig config;
      config.targets.emplace_back().name = "yield";
      config.retrain.when = when;
      config.retrain.results = 10 * kSince;
      counter(name, [&](const campaign::Reader& reader) {
        if (campaign::wants_retraining(reader, *reader.campaign(1), config) !=
            (when == campaign::RetrainWhen::every_batch)) {
          state.SkipWithError("the look finds something else");
        }
      });
    };
    look(campaign::RetrainWhen::every_results, "look_ms");
    look(campaign::RetrainWhen::every_batch, "look_batch_ms");
    counter("if_new_ms", [&](const campaign::Reader& reader) {
      benchmark::DoNotOptimize(campaign::has_news(reader, *reader.campaign(1)));
    });
    counter("training_ms", [&](const campaign::Reader& reader) {
      benchmark::DoNotOptimize(reader.training_set(1, "yield"));
    });
    counter("beside_training_ms", [&](const campaign::Reader& reader) {
      if (reader.training_set(2, "yield").rows.size() != 400)
        state.SkipWithError("the campaign beside has other rows");
    });
    counter("snapshot_ms", [&](const campaign::Reader& reader) {
      benchmark::DoNotOptimize(reader.training_set(1, snapshot));
    });
    counter("known_ms", [&](const campaign::Reader& reader) {
      benchmark::DoNotOptimize(reader.known_points(1));
    });
    const auto page = [&](std::int64_t after, bool live, const char* name) {
      counter(name, [&](const campaign::Reader& reader) {
        campaign::MeasurementFilter filter;
        filter.live_only = live;
        if (reader.measurements(1, filter, {after, 100}).size() != 100)
          state.SkipWithError("the page is not full");
      });
    };
    page(0, false, "first_page_ms");
    page(measurements - 200, true, "last_page_ms");
    counter("count_ms", [&](const campaign::Reader& reader) {
      benchmark::DoNotOptimize(reader.count_measurements(1));
    });
  }
}
BENCHMARK(learning)
    ->RangeMultiplier(10)
    ->Range(10'000, 1'000'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

}  // namespace
}  // namespace kasetsu

BENCHMARK_MAIN();
