// SPDX-License-Identifier: GPL-2.0
// bench: measures what a packet costs, in instructions, with this driver and with others; and holds
// the figures against those of before. Needs no root. Exits 0 if all went well, 1 if something was
// lost, crashed or has become slower, 2 on wrong usage.
#include "check.h"
#include "report.h"
#include "session.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

using namespace bench;
using nlohmann::json;

namespace {

struct Settings {
    Effort effort{20000, 3, {}};
    std::vector<std::string> names; // of subjects and scenarios
    Extras extras;
    std::string json, chart, reference, check, baseline;
};

json read_json(const std::string &path) {
    std::ifstream in(path);
    if (!in)
        throw std::runtime_error("can't read " + path);
    return json::parse(in);
}

void write(const std::string &path, const std::string &text) {
    if (path.empty())
        return;
    std::ofstream out(path);
    if (!(out << text << std::flush))
        throw std::runtime_error("can't write " + path);
}

Paths find_paths() {
    const auto build = std::filesystem::canonical("/proc/self/exe").parent_path();
    for (const char *tc : {"/sbin/tc", "/usr/sbin/tc"})
        if (std::filesystem::exists(tc))
            return {build.parent_path() / "tests/vm/run-vm", build / "bench_guest", tc,
                    build / "bench.log"};
    throw std::runtime_error("no tc: apt install iproute2");
}

std::vector<std::string> all_names() {
    std::vector<std::string> names;
    for (const Subject &subject : all_subjects())
        names.push_back(subject.name);
    for (const ScenarioTitle &scenario : scenario_titles())
        names.emplace_back(scenario.name);
    return names;
}

// Of the names those of subjects; all if there are none.
std::vector<Subject> chosen_subjects(const std::vector<std::string> &names) {
    std::vector<Subject> all = all_subjects(), chosen;
    std::ranges::copy_if(all, std::back_inserter(chosen), [&](const Subject &subject) {
        return std::ranges::count(names, subject.name) > 0;
    });
    return chosen.empty() ? all : chosen;
}

// Of the names those of scenarios; none: all.
std::set<std::string, std::less<>> chosen_scenarios(const std::vector<std::string> &names) {
    std::set<std::string, std::less<>> chosen;
    for (const ScenarioTitle &scenario : scenario_titles())
        if (std::ranges::count(names, scenario.name))
            chosen.emplace(scenario.name);
    return chosen;
}

// Of figures: instructions or milliseconds.
int decimals(GuestClock clock) {
    return clock == GuestClock::real ? 1 : 0;
}

constexpr GuestClock clocks[] = {GuestClock::instructions, GuestClock::real};

Figures measure(const std::vector<Subject> &subjects, const Effort &effort, const Extras &extras) {
    const Paths paths = find_paths();
    std::filesystem::remove(paths.log);
    unsigned all = 0, done = 0;
    for (GuestClock clock : clocks)
        for (const Subject &subject : subjects)
            all += samples_of(subject, clock, effort);
    Figures figures;
    const auto start = std::chrono::steady_clock::now();
    auto measure_one = [&](const Subject &subject, GuestClock clock) {
        std::printf("%s: booting\n", subject.name.c_str());
        std::fflush(stdout);
        run(subject, clock, effort, paths, extras, [&](const Sample &sample, bool counts) {
            if (counts)
                figures.add(subject.name, sample.scenario, sample.figure);
            const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
            std::printf("[%u/%u, %.0f s] %s, %s: %.*f%s\n", ++done, all, seconds.count(),
                        subject.name.c_str(), sample.scenario.c_str(), decimals(clock),
                        sample.figure, counts ? "" : " (not counted: this machine stood still)");
            std::fflush(stdout);
        });
    };
    for (GuestClock clock : clocks)
        for (const Subject &subject : subjects)
            if (samples_of(subject, clock, effort) > 0)
                measure_one(subject, clock);
    return figures;
}

std::vector<Row> rows(GuestClock clock) {
    std::vector<Row> rows;
    for (const ScenarioTitle &scenario : scenario_titles())
        if (scenario.clock == clock)
            rows.push_back({std::string(scenario.name), std::string(scenario.title)});
    return rows;
}

// In these, figures of "vendor-NAME" may be among the others, for comparison.
void print(const Figures &figures) {
    std::vector<Column> columns, own;
    std::vector<std::string> in_tree, vendor;
    for (const Subject &subject : all_subjects()) {
        columns.push_back({subject.name, subject.heading});
        if (!subject.this_driver)
            continue;
        own.push_back(columns.back());
        in_tree.emplace_back("in-tree");
        vendor.push_back("vendor-" + subject.name);
    }
    auto print_titled = [](const char *title, const std::string &table) {
        if (!table.empty())
            std::printf("\n%s:\n\n%s", title, table.c_str());
    };
    const auto costs = rows(GuestClock::instructions), latencies = rows(GuestClock::real);
    print_titled("Instructions per packet, median",
                 table(figures, costs, columns, decimals(GuestClock::instructions)));
    print_titled("Times less than the in-tree driver takes on an EC25 in raw IP",
                 ratios(figures, costs, own, in_tree));
    print_titled("Times less than the vendor's driver (V1.5.0) takes on the same module",
                 ratios(figures, costs, own, vendor));
    print_titled("There and back, the module's uplink at 50 Mbit/s, milliseconds, median",
                 table(figures, latencies, columns, decimals(GuestClock::real)));
}

std::string draw(const Figures &figures) {
    const std::vector<Column> columns{{"in-tree", "in-tree, EC25\nraw IP"},
                                      {"vendor-rm500q", "vendor, RM500Q\nv5"},
                                      {"ec25", "qmi_wwan_q, EC25\nv1"},
                                      {"rm500q", "qmi_wwan_q, RM500Q\nv5"}};
    return chart(figures, "Instructions per packet (less is better), Debian's 6.1, one CPU",
                 rows(GuestClock::instructions), columns);
}

std::vector<std::string> names_in(const Figures &figures) {
    std::vector<std::string> names;
    for (const auto &[subject, scenarios] : figures.runs()) {
        names.push_back(subject);
        for (const auto &[scenario, runs] : scenarios)
            names.push_back(scenario);
    }
    return names;
}

bool run(Settings settings) {
    Figures baseline;
    if (!settings.check.empty()) {
        baseline = from_medians(read_json(settings.check));
        settings.names = names_in(baseline);
    }
    settings.effort.scenarios = chosen_scenarios(settings.names);
    Figures figures = measure(chosen_subjects(settings.names), settings.effort, settings.extras);
    const json results{{"unit", "instructions per packet; ping, packet: milliseconds"},
                       {"packets", settings.effort.packets},
                       {"figures", to_json(figures)}};
    write(settings.json, results.dump(1) + "\n");
    write(settings.baseline, medians(figures).dump(1) + "\n");
    if (!settings.reference.empty())
        figures.merge(from_medians(read_json(settings.reference)));
    print(figures);
    write(settings.chart, draw(figures));
    if (settings.check.empty())
        return true;
    const Verdict verdict = hold_against(baseline, figures);
    std::printf("%s", verdict.text.c_str());
    return verdict.good;
}

} // namespace

int main(int argc, char **argv) {
    Settings settings;
    CLI::App app("Measures what a packet costs, in instructions, in VMs with a virtual module.");
    app.add_option("NAME", settings.names, "measure these alone, drivers or scenarios or both")
        ->check(CLI::IsMember(all_names()));
    app.add_option("--packets", settings.effort.packets, "in a run")->capture_default_str();
    app.add_option("--runs", settings.effort.runs, "of which the median counts")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--reference", settings.reference, "figures to compare with, as JSON");
    app.add_option("--json", settings.json, "write all figures there");
    app.add_option("--chart", settings.chart, "draw them there, as SVG");
    app.add_option("--baseline", settings.baseline, "write the medians there");
    app.add_option("--check", settings.check,
                   "measure what is in that baseline and fail if it is exceeded by 5 %");
    app.add_option("--vm-option", settings.extras.options, "goes to run-vm; may be repeated")
        ->allow_extra_args(false);
    app.add_option("--modules", settings.extras.modules, "kernel modules to load, too");
    app.add_option("--finally", settings.extras.finally, "shell command for the VM, at the end");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &e) {
        return app.exit(e) ? 2 : 0;
    }
    try {
        return run(settings) ? 0 : 1;
    } catch (const std::exception &e) {
        std::fprintf(stderr, "bench: FAILED: %s\n", e.what());
        return 1;
    }
}
