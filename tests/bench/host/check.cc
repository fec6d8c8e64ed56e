// SPDX-License-Identifier: GPL-2.0
#include "check.h"

#include <cstdio>

namespace bench {

static constexpr double tolerance = 1.05;

Verdict hold_against(const Figures &baseline, const Figures &figures) {
    Verdict verdict{true, {}};
    for (const auto &[subject, scenarios] : baseline.runs())
        for (const auto &[scenario, runs] : scenarios) {
            const std::string name = "Bench." + subject + "/" + scenario;
            const double before = baseline.median(subject, scenario);
            const double now = figures.median(subject, scenario);
            const bool held = now > 0 && now <= before * tolerance;
            char change[96];
            std::snprintf(change, sizeof(change), "%.0f instructions per packet, %+.1f %% of %.0f",
                          now, 100 * (now - before) / before, before);
            verdict.text += "[ RUN      ] " + name + "\n" + change + "\n" +
                            (held ? "[       OK ] " : "[  FAILED  ] ") + name + "\n";
            verdict.good = verdict.good && held;
        }
    return verdict;
}

} // namespace bench
