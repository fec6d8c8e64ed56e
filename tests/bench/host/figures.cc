// SPDX-License-Identifier: GPL-2.0
#include "figures.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

namespace bench {

using nlohmann::json;

void Figures::add(const std::string &subject, const std::string &scenario, double instructions) {
    runs_[subject][scenario].push_back(instructions);
}

void Figures::merge(const Figures &other) {
    for (const auto &[subject, scenarios] : other.runs())
        for (const auto &[scenario, runs] : scenarios)
            for (double instructions : runs)
                add(subject, scenario, instructions);
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

bool parse(std::string_view line, Sample &sample) {
    std::istringstream in{std::string(line)};
    std::string word;
    auto field = [&](const char *name, uint64_t &value) {
        return in >> word && word == name && in >> value;
    };
    return in >> word && word == "bench:" && in >> sample.scenario &&
           field("packets", sample.packets) && sample.packets > 0 && field("busy", sample.busy) &&
           field("elapsed", sample.elapsed) && field("sunk", sample.sunk) &&
           field("taken", sample.taken) && field("repeated", sample.repeated) && !(in >> word);
}

json to_json(const Figures &figures) {
    json all = json::object();
    for (const auto &[subject, scenarios] : figures.runs())
        for (const auto &[scenario, runs] : scenarios) {
            json &entry = all[subject][scenario];
            entry["median"] = std::lround(figures.median(subject, scenario));
            for (double run : runs)
                entry["runs"].push_back(std::lround(run));
        }
    return all;
}

json medians(const Figures &figures) {
    json all = json::object();
    for (const auto &[subject, scenarios] : figures.runs())
        for (const auto &[scenario, runs] : scenarios)
            all[subject][scenario] = std::lround(figures.median(subject, scenario));
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
