// SPDX-License-Identifier: GPL-2.0
#include "figures.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

namespace bench {

using nlohmann::json;

void Figures::add(const std::string &subject, const std::string &scenario, double figure) {
    runs_[subject][scenario].push_back(figure);
}

void Figures::merge(const Figures &other) {
    for (const auto &[subject, scenarios] : other.runs())
        for (const auto &[scenario, runs] : scenarios)
            for (double figure : runs)
                add(subject, scenario, figure);
}

bool Figures::has(const std::string &subject, const std::string &scenario) const {
    auto found = runs_.find(subject);
    return found != runs_.end() && found->second.contains(scenario);
}

double Figures::median(const std::string &subject, const std::string &scenario) const {
    if (!has(subject, scenario))
        return 0;
    std::vector<double> sorted = runs_.at(subject).at(scenario);
    std::ranges::sort(sorted);
    const size_t middle = sorted.size() / 2;
    return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

std::optional<Sample> parse(std::string_view line) {
    std::istringstream in{std::string(line)};
    Sample sample;
    std::string kind;
    auto field = [&](const char *name, auto &value) {
        std::string word;
        return in >> word && word == name && in >> value;
    };
    uint64_t packets, busy, elapsed;
    in >> kind >> sample.scenario;
    if (kind == "latency:") {
        if (!field("ms", sample.figure))
            return std::nullopt;
    } else if (kind == "bench:") {
        if (!field("packets", packets) || packets == 0 || !field("busy", busy) ||
            !field("elapsed", elapsed) || !field("sunk", sample.sunk) ||
            !field("repeated", sample.repeated))
            return std::nullopt;
        sample.figure = double(busy) / double(packets);
    } else {
        return std::nullopt;
    }
    return in >> kind ? std::nullopt : std::optional(sample);
}

// Instructions whole, milliseconds to a thousandth.
static json rounded(double figure) {
    if (figure >= 100)
        return std::lround(figure);
    return std::round(figure * 1000) / 1000;
}

json to_json(const Figures &figures) {
    json all = json::object();
    for (const auto &[subject, scenarios] : figures.runs())
        for (const auto &[scenario, runs] : scenarios) {
            json &entry = all[subject][scenario];
            entry["median"] = rounded(figures.median(subject, scenario));
            for (double run : runs)
                entry["runs"].push_back(rounded(run));
        }
    return all;
}

json medians(const Figures &figures) {
    json all = json::object();
    for (const auto &[subject, scenarios] : figures.runs())
        for (const auto &[scenario, runs] : scenarios)
            all[subject][scenario] = rounded(figures.median(subject, scenario));
    return all;
}

Figures from_medians(const json &json) {
    Figures figures;
    for (const auto &[subject, scenarios] : json.items())
        for (const auto &[scenario, figure] : scenarios.items())
            figures.add(subject, scenario, figure.get<double>());
    return figures;
}

} // namespace bench
