#include "daemon/http/metrics.h"

#include <fmt/format.h>

namespace kasetsu::http {

void Metrics::request(std::string_view route, std::string_view method, int status, double seconds) {
  Series& series = series_[{std::string(route), std::string(method)}];
  ++series.count;
  series.seconds += seconds;
  ++series.statuses[status];
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) ++series.buckets[i];
  }
}

std::string Metrics::text() const {
  std::string out =
      "# HELP kasetsu_http_requests_total Requests answered.\n"
      "# TYPE kasetsu_http_requests_total counter\n";
  for (const auto& [key, series] : series_) {
    for (const auto& [status, count] : series.statuses) {
      out +=
          fmt::format("kasetsu_http_requests_total{{route=\"{}\",method=\"{}\",code=\"{}\"}} {}\n",
                      label_value(key.first), label_value(key.second), status, count);
    }
  }
  out +=
      "# HELP kasetsu_http_request_duration_seconds From the first byte of a request to the last "
      "of "
      "its answer.\n"
      "# TYPE kasetsu_http_request_duration_seconds histogram\n";
  for (const auto& [key, series] : series_) {
    const std::string labels =
        fmt::format("route=\"{}\",method=\"{}\"", label_value(key.first), label_value(key.second));
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      out += fmt::format("kasetsu_http_request_duration_seconds_bucket{{{},le=\"{}\"}} {}\n",
                         labels, kBounds[i], series.buckets[i]);
    }
    out += fmt::format("kasetsu_http_request_duration_seconds_bucket{{{},le=\"+Inf\"}} {}\n",
                       labels, series.count);
    out +=
        fmt::format("kasetsu_http_request_duration_seconds_sum{{{}}} {}\n", labels, series.seconds);
    out +=
        fmt::format("kasetsu_http_request_duration_seconds_count{{{}}} {}\n", labels, series.count);
  }
  out += metric_text("kasetsu_http_connections", "gauge", "Connections that are open.",
                     static_cast<double>(connections_));
  out += metric_text("kasetsu_http_connections_refused_total", "counter",
                     "Connections answered with 503 because there were too many.",
                     static_cast<double>(refused_));
  out += metric_text("kasetsu_http_connections_evicted_total", "counter",
                     "Waiting connections closed to make room for a new one.",
                     static_cast<double>(evicted_));
  return out;
}

std::string metric_text(std::string_view name, std::string_view type, std::string_view help,
                        double value) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
}

std::string label_value(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace kasetsu::http
