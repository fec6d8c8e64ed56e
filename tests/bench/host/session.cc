// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include "../../modem/modem.h"
#include "../../modem/usbredir.h"
#include "child.h"
#include "witness.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace bench {

using namespace std::chrono_literals;
using vmodem::Modem;

namespace {

// How full the aggregates get that the driver sends must not depend on how quick the module is on
// this machine: so the driver always fills the pipe before any of it is taken.
constexpr auto uplink_quiet = 2ms;
constexpr uint64_t uplink_rate = 50'000'000; // bits a second, where latency is measured

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string path = std::filesystem::temp_directory_path() / "bench-XXXXXX";
        if (!::mkdtemp(path.data()))
            throw std::system_error(errno, std::generic_category(), "mkdtemp");
        path_ = path;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory &) = delete;
    TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

    const std::filesystem::path &path() const { return path_; }

  private:
    std::filesystem::path path_;
};

std::vector<std::string_view> wanted(const Step &step, const Effort &effort) {
    std::vector<std::string_view> names;
    for (std::string_view name : step.scenarios)
        if (effort.scenarios.empty() || effort.scenarios.contains(name))
            names.push_back(name);
    return names;
}

const std::vector<Step> &steps_of(const Subject &subject, GuestClock clock) {
    static const std::vector<Step> none;
    auto found = subject.steps.find(clock);
    return found == subject.steps.end() ? none : found->second;
}

std::string guest_command(const Subject &subject, GuestClock clock, const Effort &effort) {
    // What hosts say of themselves by IPv6 is not to be counted.
    std::string command = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6";
    for (const Step &step : steps_of(subject, clock)) {
        const auto scenarios = wanted(step, effort);
        if (scenarios.empty())
            continue;
        if (!step.load.empty())
            command += " && " + step.load;
        command += " && bench_guest " + step.options + " -n " + std::to_string(effort.packets) +
                   " -r " + std::to_string(effort.runs);
        for (std::string_view name : scenarios)
            command += " " + std::string(name);
    }
    return command;
}

} // namespace

unsigned samples_of(const Subject &subject, GuestClock clock, const Effort &effort) {
    size_t count = 0;
    for (const Step &step : steps_of(subject, clock))
        count += wanted(step, effort).size() * effort.runs;
    return unsigned(count);
}

void run(const Subject &subject, GuestClock clock, const Effort &effort, const Paths &paths,
         const Extras &extras, const std::function<void(const Sample &, bool counts)> &sample) {
    const TemporaryDirectory directory;
    std::vector<std::string> command{paths.run_vm,
                                     "--smp",
                                     "1",
                                     "--timeout",
                                     "3600",
                                     "--append",
                                     "mitigations=off",
                                     "--modules",
                                     "usbnet cdc-wdm dummy tun xhci-pci " + subject.modules + " " +
                                         extras.modules,
                                     "--add",
                                     paths.guest,
                                     "--add",
                                     paths.tc};
    if (clock == GuestClock::instructions)
        command.insert(command.begin() + 1, "--icount");
    const std::string socket = directory.path() / "module";
    if (!subject.profile.empty())
        command.insert(command.end(), {"--usbredir", socket});
    command.insert(command.end(), extras.options.begin(), extras.options.end());
    std::string in_guest = guest_command(subject, clock, effort);
    if (!extras.finally.empty())
        in_guest += " && " + extras.finally;
    command.insert(command.end(), {"--", in_guest});

    std::optional<vmodem::UsbredirServer> server;
    vmodem::ModemOptions options;
    std::optional<Witness> witness;
    std::optional<Modem> modem;
    if (!subject.profile.empty()) {
        server.emplace(socket);
        options.attach = server->attach();
        options.speed = subject.speed;
        if (clock == GuestClock::instructions)
            witness.emplace(options);
        modem.emplace(*vmodem::find_profile(subject.profile), options);
        if (clock == GuestClock::instructions)
            modem->set_uplink_quiet(uplink_quiet);
        else
            modem->set_uplink_rate(uplink_rate);
    }
    Child vm(command);
    if (modem)
        modem->plug_in();

    std::ofstream log(paths.log, std::ios::app);
    std::string last;
    unsigned samples = 0;
    while (auto line = vm.line()) {
        log << *line << std::endl;
        if (auto s = parse(*line)) {
            sample(*s, !witness || witness->confirm(*modem, *s));
            samples++;
        } else if (!line->empty()) {
            last += "  " + *line + "\n";
        }
    }
    if (!vm.succeeded())
        throw std::runtime_error("the VM failed (see also " + paths.log + "):\n" + last);
    if (samples != samples_of(subject, clock, effort))
        throw std::runtime_error("some measurements are missing");
    if (witness)
        witness->confirm_end(*modem);
}

} // namespace bench
