// Counters of the HTTP side, in the Prometheus text format. Used from the network thread only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

namespace kasetsu::http {

class Metrics {
 public:
  // route: the pattern, never a path that a client typed: the number of series stays bounded.
  void request(std::string_view route, std::string_view method, int status, double seconds);
  void connection_opened() { ++connections_; }
  void connection_closed() { --connections_; }
  void connection_refused() { ++refused_; }
  void connection_evicted() { ++evicted_; }
  std::int64_t connections() const { return connections_; }

  // HELP, TYPE and samples of everything above; ends with a newline.
  std::string text() const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                     0.05,   0.1,   0.25,   1.0,   5.0,  30.0};
  struct Series {
    std::uint64_t count = 0;
    double seconds = 0.0;
    std::array<std::uint64_t, kBounds.size()> buckets{};
    std::map<int, std::uint64_t> statuses;
  };
  std::map<std::pair<std::string, std::string>, Series, std::less<>> series_;
  std::int64_t connections_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t evicted_ = 0;
};

// One metric in the text format: HELP, TYPE, one sample without labels.
std::string metric_text(std::string_view name, std::string_view type, std::string_view help,
                        double value);

// A label value, escaped.
std::string label_value(std::string_view value);

}  // namespace kasetsu::http
