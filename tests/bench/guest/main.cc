// SPDX-License-Identifier: GPL-2.0
// bench_guest [-d] [-l] [-p PDNS] [-n PACKETS] [-r RUNS] NAME...
// Dials with the driver that is loaded (-d: uses a dummy netdev instead), and prints a line for
// each run of each scenario:
//   bench: NAME packets N busy NS elapsed NS sunk N repeated N
// where sunk is how many packets the module must have got (see scenario.h), and repeated is how
// many segments TCP has sent again. With -l the names are those of latency.h, and the lines are
//   latency: NAME ms X
// Exits 0 if nothing was lost on this side, 1 otherwise, 2 on wrong usage.
#include "../../guest/stack_counters.h"
#include "latency.h"
#include "link.h"
#include "pace.h"
#include "scenario.h"
#include "soaker.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <unistd.h>

using namespace bench;

namespace {

struct Arguments {
    bool dummy = false, latency = false;
    unsigned pdns = 1, runs = 1;
    uint64_t packets = 20000;
    std::vector<const Scenario *> scenarios;
    std::vector<const Latency *> latencies;
};

[[noreturn]] void usage() {
    std::fprintf(stderr, "usage: bench_guest [-d] [-l] [-p PDNS] [-n PACKETS] [-r RUNS] NAME...\n");
    std::exit(2);
}

Arguments parse(int argc, char **argv) {
    Arguments arguments;
    for (int option; (option = getopt(argc, argv, "dlp:n:r:")) != -1;) {
        switch (option) {
        case 'd':
            arguments.dummy = true;
            break;
        case 'l':
            arguments.latency = true;
            break;
        case 'p':
            arguments.pdns = unsigned(std::strtoul(optarg, nullptr, 10));
            break;
        case 'n':
            arguments.packets = std::strtoull(optarg, nullptr, 10);
            break;
        case 'r':
            arguments.runs = unsigned(std::strtoul(optarg, nullptr, 10));
            break;
        default:
            usage();
        }
    }
    for (; optind < argc; optind++) {
        const Scenario *scenario = find_scenario(argv[optind]);
        const Latency *latency = find_latency(argv[optind]);
        if (arguments.latency ? !latency : !scenario || (arguments.dummy && scenario->answers))
            usage();
        if (arguments.latency)
            arguments.latencies.push_back(latency);
        else
            arguments.scenarios.push_back(scenario);
    }
    return arguments;
}

uint64_t retransmissions() {
    return guest::stack_counter("/proc/net/snmp", "RetransSegs");
}

void measure(Soaker &soaker, const Scenario &scenario, const std::vector<Path> &paths,
             uint64_t packets) {
    const Job job = scenario.prepare(paths, packets);
    const uint64_t repeated = retransmissions();
    const Load load = soaker.measure(job.work);
    expect_no_drops(paths);
    std::printf("bench: %s packets %" PRIu64 " busy %" PRIu64 " elapsed %" PRIu64 " sunk %" PRIu64
                " repeated %" PRIu64 "\n",
                scenario.name.data(), job.packets, load.busy, load.elapsed, job.sunk,
                retransmissions() - repeated);
    std::fflush(stdout);
}

void measure_all(const Arguments &arguments, const std::vector<Path> &paths) {
    Soaker soaker;
    for (const Scenario *scenario : arguments.scenarios)
        for (unsigned run = 0; run < arguments.runs; run++)
            measure(soaker, *scenario, paths, arguments.packets);
    // TCP's last packets must not come when the calls have ended.
    for (const Path &path : paths)
        Pace(path).finish();
}

void measure_latencies(const Arguments &arguments, const std::vector<Path> &paths) {
    for (const Latency *latency : arguments.latencies)
        for (unsigned run = 0; run < arguments.runs; run++) {
            std::printf("latency: %s ms %.3f\n", latency->name.data(),
                        latency->measure(paths).count());
            std::fflush(stdout);
        }
}

} // namespace

int main(int argc, char **argv) {
    const Arguments arguments = parse(argc, argv);
    try {
        const std::unique_ptr<Link> link = arguments.dummy ? dummy() : dial(arguments.pdns);
        if (arguments.latency) {
            measure_latencies(arguments, link->paths());
        } else {
            for (const Path &path : link->paths())
                be_patient(path);
            measure_all(arguments, link->paths());
        }
    } catch (const std::exception &error) {
        std::printf("bench_guest: %s\n", error.what());
        return 1;
    }
    return 0;
}
