#include "daemon/cli/results/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/text.h"
#include "daemon/base/secret_addresses.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/results/report_plots.h"
#include "daemon/cli/results/words.h"

namespace kasetsu::cli {
namespace {

constexpr const char* kBlue = "#0072B2";
constexpr const char* kOrange = "#D55E00";
constexpr std::size_t kMostBest = 15;
constexpr std::size_t kMostProposed = 60;

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;color:#1b2430;background:#fff;max-width:60rem;"
    "margin:2rem auto;padding:0 1rem}h1{margin-bottom:0}h2{margin-top:2.2rem;border-bottom:1px "
    "solid #d6dbe1}.sub{color:#5b6470;margin-top:.2rem}table{border-collapse:collapse;width:100%;"
    "font-size:.92rem}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid "
    "#e3e7ec;vertical-align:top}th{color:#5b6470;font-weight:600}td.n,th.n{text-align:right;"
    "font-variant-numeric:tabular-nums}.figures{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;"
    "margin:1.2rem 0}.figures div b{display:block;font-size:1.5rem}.figures div{color:#5b6470}"
    ".figures b{color:#1b2430}svg{width:100%;height:auto;max-width:44rem}pre{background:#f5f7f9;"
    "padding:.8rem;overflow:auto;font-size:.85rem}details{margin:1rem 0}@media print{details"
    "{display:none}}figure{margin:1rem 0}figcaption{font-weight:600}";

std::string text_of(const Json& item) {
  return item.is_string() ? item.get<std::string>() : "";
}

std::string day(const std::string& time) {
  return time.size() >= 16 ? time.substr(0, 10) + " " + time.substr(11, 5) : time;
}

// Text that Markdown shows as it is: no links, no HTML, no code, no headings; on one line.
std::string escape_markdown(std::string_view text) {
  std::string out;
  for (const char c : printable(text, false)) {
    if (std::string_view("\\`*_{}[]()<>#|!~&").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// A block of code whose fence is longer than any run of backticks in the text.
std::string code_block(std::string_view text) {
  std::size_t longest = 2;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fmt::format("{}\n{}{}{}\n", fence, printable(text), text.ends_with('\n') ? "" : "\n",
                     fence);
}

// The same table and text in both languages of the report.
class Pages {
 public:
  void heading(const std::string& text) {
    html_ += fmt::format("<h2>{}</h2>\n", escape_html(text));
    markdown_ += "\n## " + escape_markdown(text) + "\n\n";
  }
  void paragraph(const std::string& text) {
    html_ += fmt::format("<p>{}</p>\n", escape_html(text));
    markdown_ += escape_markdown(text) + "\n\n";
  }
  void plot(const std::string& title, const SvgPlot& plot, int height) {
    if (plot.empty()) return;
    html_ += fmt::format("<figure><figcaption>{}</figcaption>\n{}</figure>\n", escape_html(title),
                         plot.svg(640, height));
  }
  void table(const std::vector<std::string>& header,
             const std::vector<std::vector<std::string>>& rows) {
    std::vector<bool> numeric(header.size(), true);
    for (const auto& row : rows) {
      for (std::size_t c = 0; c < row.size(); ++c)
        numeric[c] = numeric[c] && (row[c] == "-" || parse_number(row[c]).has_value());
    }
    const auto cell = [&](const char* tag, std::size_t c, const std::string& text) {
      return fmt::format("<{0}{1}>{2}</{0}>", tag, numeric[c] ? " class=\"n\"" : "",
                         escape_html(text));
    };
    html_ += "<table><thead><tr>";
    markdown_ += "|";
    for (std::size_t c = 0; c < header.size(); ++c) {
      html_ += cell("th", c, header[c]);
      markdown_ += " " + escape_markdown(header[c]) + " |";
    }
    html_ += "</tr></thead><tbody>\n";
    markdown_ += "\n|";
    for (std::size_t c = 0; c < header.size(); ++c) markdown_ += numeric[c] ? "---:|" : "---|";
    markdown_ += "\n";
    for (const auto& row : rows) {
      html_ += "<tr>";
      markdown_ += "|";
      for (std::size_t c = 0; c < row.size(); ++c) {
        html_ += cell("td", c, row[c]);
        markdown_ += " " + escape_markdown(row[c]) + " |";
      }
      html_ += "</tr>\n";
      markdown_ += "\n";
    }
    html_ += "</tbody></table>\n";
    markdown_ += "\n";
  }
  void html(const std::string& text) { html_ += text; }
  void markdown(const std::string& text) { markdown_ += text; }
  std::string take_html() { return std::move(html_); }
  std::string take_markdown() { return std::move(markdown_); }

 private:
  std::string html_, markdown_;
};

// Live values of one target, in the order of arrival.
struct Value {
  double value;
  std::string catalyst, description, at, proposal;
};

std::vector<Value> values_of(const CampaignData& data, const std::string& property) {
  std::vector<Value> values;
  for (const Json& item : data.measurements) {
    if (!is_live(item) || field(item, "property") != property) continue;
    const double value = number_of(item, "value");
    if (!std::isfinite(value)) continue;
    values.push_back({value, field(member(item, "catalyst"), "key"),
                      field(member(item, "catalyst"), "description"), field(item, "received_at"),
                      field(item, "proposal")});
  }
  return values;
}

struct Best {
  std::string description;
  double mean = 0.0;
  int n = 0;
};

std::vector<Best> best_of(const std::vector<Value>& values, const planning::Aim& aim) {
  std::map<std::string, Best> by_catalyst;
  for (const Value& value : values) {
    Best& best = by_catalyst[value.catalyst];
    best.description = value.description;
    best.mean += (value.value - best.mean) / ++best.n;
  }
  std::vector<Best> all;
  for (auto& [key, best] : by_catalyst) all.push_back(std::move(best));
  std::stable_sort(all.begin(), all.end(),
                   [&](const Best& a, const Best& b) { return aim.better(a.mean, b.mean); });
  return all;
}

// A column of a table, so that its numbers have the same decimals.
std::string short_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : "-";
}

std::string wish_of(const planning::Aim& aim) {
  switch (aim.goal) {
    case planning::Goal::maximize:
      return "as high as possible";
    case planning::Goal::minimize:
      return "as low as possible";
    case planning::Goal::target:
      return fmt::format("as near to {:g} as possible", aim.value);
  }
  return "";
}

std::string hit_words(const campaign::Target& target) {
  if (target.aim.goal != planning::Goal::target)
    return fmt::format("at {:g} or better", *target.hit_threshold);
  return fmt::format("within {:g} of {:g}", *target.hit_threshold, target.aim.value);
}

void target_section(Pages& pages, const CampaignData& data, const campaign::Target& target,
                    Json& summary) {
  const std::string unit = target.unit.empty() ? "" : " (" + target.unit + ")";
  const auto values = values_of(data, target.name);
  pages.heading(fmt::format("{}{}: {}", target.name, unit, wish_of(target.aim)));
  if (values.empty()) {
    pages.paragraph("Nothing is measured yet.");
    return;
  }
  const Json& progress = member(data.progress, target.name);
  SvgPlot course = progress_plot(progress);
  if (target.hit_threshold && target.aim.goal == planning::Goal::target) {
    course.horizontal(target.aim.value - *target.hit_threshold, "hit");
    course.horizontal(target.aim.value + *target.hit_threshold, "hit");
  } else if (target.hit_threshold) {
    course.horizontal(*target.hit_threshold, "hit");
  }
  pages.plot(words("plot.progress", {{"name", target.name}}), course, 360);
  if (!list_of(progress, "random").empty()) pages.paragraph(words("plot.random.help"));
  const auto ranked = best_of(values, target.aim);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < std::min(ranked.size(), kMostBest); ++i) {
    rows.push_back({fmt::format("{}", i + 1), ranked[i].description, short_number(ranked[i].mean),
                    fmt::format("{}", ranked[i].n)});
  }
  int hits = 0;
  for (const Best& one : ranked) {
    hits += target.hit(one.mean) ? 1 : 0;
  }
  pages.paragraph(fmt::format(
      "{} of {}{}. The best, by the mean of their measurements:",
      counted(values.size(), "measurement"), counted(ranked.size(), "catalyst"),
      target.hit_threshold ? fmt::format(", {} of them {}", hits, hit_words(target)) : ""));
  pages.table({"rank", "catalyst", target.name + unit, "measured"}, rows);
  summary["best"][target.name] = {{"catalyst", ranked.front().description},
                                  {"value", ranked.front().mean},
                                  {"measured", ranked.front().n}};
}

// Mean error and intervals of the points of a parity plot, as the dashboard says them.
std::map<std::string, std::string> judged(const Json& of, const std::string& unit) {
  const auto percent = [&](const char* name) {
    const double share = number_of(of, name);
    return std::isfinite(share) ? fmt::format("{:.0f} %", 100.0 * share) : "-";
  };
  return {{"mae", with_unit(number_of(of, "mae"), unit)},
          {"inside", percent("inside")},
          {"coverage", percent("coverage")}};
}

void parity_section(Pages& pages, const CampaignData& data) {
  const Json& insight = data.insight;
  const Json& points = list_of(insight, "parity");
  if (points.empty()) return;
  const bool honest = field(insight, "honest") == "true";
  const std::string title = words(honest ? "plot.parity" : "plot.parity.optimistic",
                                  {{"name", field(insight, "property")}});
  pages.heading(title);
  pages.paragraph(
      words(honest ? "parity.honest" : "parity.optimistic", judged(insight, unit_of(insight))));
  pages.plot(
      title,
      parity_plot(points, field(insight, "property"), unit_of(insight), words("parity.axis")), 480);
}

void foretold_section(Pages& pages, const CampaignData& data, const campaign::Target& target,
                      Json& summary) {
  const std::string title = words("plot.foretold", {{"name", target.name}});
  pages.heading(title);
  const Json& points = list_of(data.foretold, "points");
  if (points.empty()) {
    pages.paragraph(words("foretold.none"));
    return;
  }
  auto values = judged(data.foretold, target.unit);
  values["n"] = std::to_string(points.size());
  pages.paragraph(words("foretold.text", values));
  pages.plot(title, parity_plot(points, target.name, target.unit, words("foretold.axis")), 480);
  summary["ledger"] = {{"n", points.size()},
                       {"mae", member(data.foretold, "mae")},
                       {"coverage", member(data.foretold, "inside")}};
}

// The paper's Figure 2: the error of every hypothesis over the batches, beginning with what it
// promised.
void hypotheses_section(Pages& pages, const CampaignData& data, const campaign::Target& target,
                        Json& summary) {
  const Json& of = data.hypotheses;
  const Json& hypotheses = list_of(of, "hypotheses");
  if (hypotheses.empty()) return;
  const std::string title = words("plot.hypotheses", {{"name", target.name}});
  pages.heading(title);
  const std::string unit = unit_of(of).empty() ? "" : " (" + unit_of(of) + ")";
  std::map<std::string, int> states;
  std::vector<std::vector<std::string>> rows;
  constexpr std::size_t kListed = 10;
  const std::size_t count = hypotheses.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Json& hypothesis = hypotheses[i];
    const std::string state = field(hypothesis, "state");
    ++states[state];
    // The best and the worst.
    if (i >= kListed && i + kListed < count) continue;
    std::string descriptors;
    for (const Json& descriptor : list_of(hypothesis, "descriptors"))
      descriptors += (descriptors.empty() ? "" : ", ") + text_of(descriptor);
    const Json& end = member(hypothesis, "eliminated_by");
    rows.push_back({words("hypothesis." + state), field(hypothesis, "age"),
                    end.is_object() ? field(end, "batch") : "-",
                    short_number(number_of(hypothesis, "promised")),
                    short_number(number_of(hypothesis, "mae")), field(hypothesis, "n"),
                    descriptors});
  }
  std::vector<std::vector<std::string>> batches;
  for (const Json& batch : list_of(of, "batches")) {
    batches.push_back(
        {field(batch, "batch"), field(batch, "n"), short_number(number_of(batch, "mae_ensemble"))});
  }
  pages.paragraph(fmt::format(
      "{} hypotheses foretold measurements: {} are alive, {} are dormant (without a "
      "place in the model, and still judged), {} were eliminated by the ledger, {} were "
      "dropped for better ones. {}",
      count, states["alive"], states["dormant"], states["eliminated"], states["dropped"],
      words("hypotheses.help")));
  pages.plot(title, hypotheses_plot(of), 360);
  pages.table({"batch", "measured", "error of the model" + unit}, batches);
  pages.paragraph(rows.size() < count ? "The best and the worst of them:" : "All of them:");
  pages.table({"state", "batches foretold", "eliminated by batch", "promised" + unit,
               "error" + unit, "measured", "descriptors"},
              rows);
  summary["hypotheses"] = {{"alive", states["alive"]},
                           {"dormant", states["dormant"]},
                           {"eliminated", states["eliminated"]},
                           {"dropped", states["dropped"]}};
}

void offsets_section(Pages& pages, const Json& model) {
  const Json& offsets = member(member(model, "summary"), "batch_offsets");
  if (!offsets.is_object()) return;
  if (const std::string why = field(offsets, "why_none"); !why.empty() && why != "-") {
    pages.paragraph(fmt::format("Offsets between batches are not known: {}.", why));
    return;
  }
  pages.paragraph(fmt::format(
      "The offset is by how much a batch measured too high; it was taken off before the model "
      "learnt. {} catalysts were "
      "measured in several batches; offsets scatter by {:.3g}, one measurement by {:.3g}; by "
      "chance "
      "alone bridges differ so much with probability {:.2g}.",
      field(offsets, "bridge_points"), number_of(offsets, "between_sd"),
      number_of(offsets, "within_sd"), number_of(offsets, "p")));
  std::vector<std::vector<std::string>> rows;
  for (const Json& batch : list_of(offsets, "batches")) {
    rows.push_back({field(batch, "batch"), short_number(number_of(batch, "offset")),
                    short_number(number_of(batch, "standard_error")), field(batch, "rows"),
                    field(batch, "bridges")});
  }
  pages.table({"batch", "offset", "standard error", "measured", "of them bridges"}, rows);
}

void front_section(Pages& pages, const CampaignData& data, const campaign::CampaignConfig& config,
                   Json& summary) {
  if (config.targets.size() < 2 || data.batches.empty()) return;
  const Json& front = list_of(member(data.batches.back(), "summary"), "front");
  if (front.empty()) return;
  pages.heading("The front of all targets");
  pages.paragraph(
      "Measured for every target when the newest batch was planned, and beaten by no other "
      "catalyst "
      "in all of them, by the means of their measurements:");
  std::vector<std::string> header{"catalyst"};
  for (const campaign::Target& target : config.targets) header.push_back(target.name);
  std::vector<std::vector<std::string>> rows;
  for (const Json& item : front) {
    std::vector<std::string> row{field(item, "catalyst")};
    for (const campaign::Target& target : config.targets)
      row.push_back(short_number(number_of(member(item, "values"), target.name)));
    rows.push_back(std::move(row));
  }
  pages.table(header, rows);
  summary["front"] = front;
}

void model_section(Pages& pages, const CampaignData& data) {
  pages.heading("What the model says");
  const Json* newest = nullptr;
  for (const Json& model : data.models) {
    if (field(model, "status") == "current") newest = &model;
  }
  if (newest == nullptr) {
    pages.paragraph("There is no model yet.");
    return;
  }
  const Json& summary = member(*newest, "summary");
  const Json& verdict = member(summary, "verdict");
  if (verdict.is_object()) pages.paragraph(field(verdict, "sentence"));
  const double nested = number_of(*newest, "mae_nested");
  pages.paragraph(fmt::format(
      "Version {} learnt {} from {} measurements on {}.{} The best hypothesis is a weighted sum of "
      "these descriptors; by leave-one-out, which flatters, it errs {:.3g}:",
      field(*newest, "version"), field(*newest, "property"), field(*newest, "rows"),
      day(field(*newest, "created_at")),
      std::isfinite(nested)
          ? fmt::format(" It errs {:.3g} on measurements that it had not seen.", nested)
          : "",
      number_of(*newest, "mae_cv")));
  const Json& recent = list_of(member(summary, "intervals"), "recent");
  if (!recent.empty()) {
    pages.paragraph(fmt::format(
        "The intervals of the model before held {:.0f} % of {} later measurements; the present "
        "ones are {:.2f} times as wide as folds of the known measurements say.",
        100.0 * number_of(recent.back(), "held"), field(recent.back(), "n"),
        number_of(member(summary, "intervals"), "widening")));
  }
  std::vector<std::vector<std::string>> rows;
  const Json& words = list_of(summary, "best_in_words");
  for (const Json& descriptor : list_of(summary, "best")) {
    const std::size_t i = rows.size();
    rows.push_back({text_of(descriptor), i < words.size() ? text_of(words[i]) : ""});
  }
  pages.table({"descriptor", "in words"}, rows);
  SvgPlot plot("measurements that the model learnt from", "error");
  std::vector<std::pair<double, double>> naive, honest;
  std::vector<std::vector<std::string>> versions;
  for (const Json& model : data.models) {
    if (field(model, "property") != field(*newest, "property")) continue;
    naive.emplace_back(number_of(model, "rows"), number_of(model, "mae_cv"));
    honest.emplace_back(number_of(model, "rows"), number_of(model, "mae_nested"));
    versions.push_back({field(model, "version"), day(field(model, "created_at")),
                        field(model, "rows"), short_number(number_of(model, "mae_nested")),
                        short_number(number_of(model, "mae_cv")), field(model, "status")});
  }
  plot.line(honest, kOrange, "by folds, with the selection repeated");
  plot.line(naive, kBlue, "leave-one-out, best hypothesis");
  if (naive.size() > 1) pages.plot("Errors of the models", plot, 320);
  pages.table({"version", "made", "measurements", "by folds", "leave-one-out", "status"}, versions);
  offsets_section(pages, *newest);
}

void proposals_section(Pages& pages, const CampaignData& data) {
  pages.heading("What is proposed");
  std::map<std::string, int> states;
  std::vector<std::vector<std::string>> open;
  for (const Json& proposal : data.proposals) {
    const std::string state = field(proposal, "state");
    ++states[state];
    if (state != "REQUESTED" && state != "ACTIVE" && state != "PARTIAL") continue;
    if (open.size() >= kMostProposed) continue;
    open.push_back({catalyst_text(proposal), field(proposal, "strategy"), state,
                    short_number(number_of(proposal, "mean")),
                    fmt::format("{} to {}", short_number(number_of(proposal, "low")),
                                short_number(number_of(proposal, "high"))),
                    field(proposal, "reason")});
  }
  std::string counts;
  for (const auto& [state, count] : states)
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, state);
  pages.paragraph(states.empty() ? "No batch was planned yet."
                                 : fmt::format("{} with {}: {}.",
                                               counted(data.batches.size(), "batch", "batches"),
                                               counted(data.proposals.size(), "proposal"), counts));
  if (!open.empty())
    pages.table({"catalyst", "strategy", "state", "predicted", "80 % interval", "why"}, open);
}

}  // namespace

Report make_report(const CampaignData& data, const campaign::CampaignConfig& config,
                   const std::string& made_at) {
  Report report;
  Pages pages;
  const std::string name = field(data.campaign, "name");
  std::map<std::string, bool> catalysts;
  std::size_t live = 0;
  for (const Json& item : data.measurements) {
    if (!is_live(item)) continue;
    ++live;
    catalysts[field(member(item, "catalyst"), "key")] = true;
  }
  report.summary = {{"campaign", name},
                    {"state", field(data.campaign, "state")},
                    {"measurements", live},
                    {"catalysts", catalysts.size()},
                    {"best", Json::object()},
                    {"models", data.models.size()},
                    {"batches", data.batches.size()},
                    {"ledger", nullptr}};
  std::string state = field(data.campaign, "state");
  if (const std::string reason = field(data.campaign, "reason"); reason != "-")
    state += fmt::format(": {}", reason);
  const std::string line = fmt::format(
      "{}, version {} of its file{}. Written {}.", state, field(data.campaign, "version"),
      config.owner.empty() ? "" : ", owner " + config.owner, day(made_at) + " UTC");
  pages.html(fmt::format("<h1>Campaign {}</h1>\n<p class=\"sub\">{}</p>\n", escape_html(name),
                         escape_html(line)));
  pages.markdown(
      fmt::format("# Campaign {}\n\n{}\n\n", escape_markdown(name), escape_markdown(line)));
  if (!config.description.empty()) pages.paragraph(config.description);
  std::string boxes = "<div class=\"figures\">";
  for (const auto& [value, what] :
       {std::pair{live, "measurements"}, std::pair{catalysts.size(), "catalysts"},
        std::pair{data.batches.size(), "batches"}, std::pair{data.models.size(), "models"}}) {
    boxes += fmt::format("<div><b>{}</b>{}</div>", value, what);
  }
  pages.html(boxes + "</div>\n");
  for (const campaign::Target& target : config.targets)
    target_section(pages, data, target, report.summary);
  front_section(pages, data, config, report.summary);
  parity_section(pages, data);
  foretold_section(pages, data, config.targets.front(), report.summary);
  hypotheses_section(pages, data, config.targets.front(), report.summary);
  model_section(pages, data);
  proposals_section(pages, data);
  pages.heading("How it was done");
  pages.paragraph(fmt::format(
      "Kasetsu {}. The method: T. Taniike et al., Automatic feature engineering for catalyst "
      "design "
      "using small data without prior knowledge of target catalysis, Communications Chemistry 7, "
      "11 (2024). The campaign's file, as it was applied:",
      data.version.empty() ? "" : data.version));
  const std::string file = without_secrets(data.text);
  pages.html(fmt::format("<details open><summary>{} version {}</summary><pre>{}</pre></details>\n",
                         escape_html(name), escape_html(field(data.campaign, "version")),
                         escape_html(file)));
  pages.markdown(code_block(file));
  report.html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Campaign {}</title>\n"
      "<style>{}</style></head>\n<body>\n{}</body></html>\n",
      escape_html(name), kStyle, pages.take_html());
  report.markdown = pages.take_markdown();
  return report;
}

}  // namespace kasetsu::cli
