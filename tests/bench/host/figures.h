// SPDX-License-Identifier: GPL-2.0
// What was measured, by subject (driver and module) and scenario: instructions per packet, or
// milliseconds.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class Figures {
  public:
    void add(const std::string &subject, const std::string &scenario, double figure);
    bool has(const std::string &subject, const std::string &scenario) const;
    void merge(const Figures &other);
    // Of the runs; 0 if there are none.
    double median(const std::string &subject, const std::string &scenario) const;
    // All runs, as they were added.
    const std::map<std::string, std::map<std::string, std::vector<double>>> &runs() const {
        return runs_;
    }

  private:
    std::map<std::string, std::map<std::string, std::vector<double>>> runs_;
};

// A line of bench_guest's output.
struct Sample {
    std::string scenario;
    double figure;
    uint64_t sunk = 0, repeated = 0;
};

// nullopt if it is not such a line.
std::optional<Sample> parse(std::string_view line);

// {subject: {scenario: {"median": n, "runs": [n, ...]}}}
nlohmann::json to_json(const Figures &figures);
// {subject: {scenario: median}}, and figures of one run each from it.
nlohmann::json medians(const Figures &figures);
Figures from_medians(const nlohmann::json &json);

} // namespace bench
