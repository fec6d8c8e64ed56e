// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include "../../modem/modem.h"
#include "../../modem/usbredir.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace bench {

using namespace std::chrono_literals;
using vmodem::FileDescriptor;
using vmodem::Modem;

namespace {

constexpr auto patience = 20s; // for the last packets, which the VM has sent
constexpr uint8_t first_mux = 0x81;
constexpr unsigned most_pdns = 4;

[[noreturn]] void fail(const std::string &what) {
    throw std::system_error(errno, std::generic_category(), what);
}

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string path = std::filesystem::temp_directory_path() / "bench-XXXXXX";
        if (!::mkdtemp(path.data()))
            fail("mkdtemp");
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

// The process group that must not outlive this process, which signals may end; 0: none.
volatile pid_t running = 0;

extern "C" void stop_running(int) {
    if (running)
        ::kill(-running, SIGTERM);
    ::_exit(1);
}

// A program in a process group of its own, and its output.
class Child {
  public:
    explicit Child(const std::vector<std::string> &command) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) < 0)
            fail("pipe");
        output_ = FileDescriptor(ends[0]);
        const FileDescriptor theirs(ends[1]);
        std::vector<char *> arguments;
        for (const std::string &argument : command)
            arguments.push_back(const_cast<char *>(argument.c_str()));
        arguments.push_back(nullptr);

        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, theirs.get(), 1);
        posix_spawn_file_actions_adddup2(&files, theirs.get(), 2);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        errno =
            ::posix_spawn(&process_, arguments[0], &files, &attributes, arguments.data(), environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
        if (errno)
            fail(command[0]);
        running = process_;
        for (int signal : {SIGINT, SIGTERM, SIGHUP})
            std::signal(signal, stop_running);
    }
    ~Child() {
        if (process_ > 0) {
            ::kill(-process_, SIGTERM);
            ::waitpid(process_, nullptr, 0);
        }
        running = 0;
    }
    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;

    // nullopt at the end.
    std::optional<std::string> line() {
        for (;;) {
            const size_t end = buffer_.find('\n');
            if (end != std::string::npos) {
                std::string text = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
                return text;
            }
            char bytes[4096];
            const ssize_t got = ::read(output_.get(), bytes, sizeof(bytes));
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                return std::nullopt;
            buffer_.append(bytes, size_t(got));
        }
    }
    bool succeeded() {
        int status;
        ::waitpid(process_, &status, 0);
        process_ = 0;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

  private:
    pid_t process_ = 0;
    FileDescriptor output_;
    std::string buffer_;
};

// What the module has got, of all PDNs.
struct Taken {
    uint64_t packets = 0, sunk = 0;
    uint64_t bad = 0; // anything that must not be
    uint64_t repeated = 0;
};

Taken taken_by(const Modem &modem) {
    Taken taken;
    for (unsigned i = 0; i < most_pdns; i++) {
        const auto peer = modem.peer(uint8_t(first_mux + i));
        taken.packets += peer.packets_in;
        taken.sunk += peer.udp_sunk_packets;
        taken.bad += peer.bad_packets + peer.tcp_sink_mismatches;
        taken.repeated += peer.tcp_retransmits + peer.tcp_out_of_order;
    }
    const auto uplink = modem.uplink();
    taken.bad += uplink.violations + uplink.dropped_unbound;
    return taken;
}

// The module's side of the measurement.
class Witness {
  public:
    explicit Witness(const Modem &modem) : modem_(modem), before_(taken_by(modem)) {}

    // Throws if it has not got what the sample says, since the last one. False if there is a
    // reason not to count the sample.
    bool confirm(const Sample &sample) {
        Taken now;
        auto arrived = [&] {
            now = taken_by(modem_);
            return now.sunk - before_.sunk >= sample.sunk &&
                   now.packets - before_.packets >= sample.taken;
        };
        for (auto end = vmodem::Clock::now() + patience; !arrived() && vmodem::Clock::now() < end;)
            std::this_thread::sleep_for(10ms);
        const uint64_t sunk = now.sunk - before_.sunk, packets = now.packets - before_.packets;
        if (sunk != sample.sunk || (sample.taken && packets != sample.taken))
            throw std::runtime_error(sample.scenario + ": the module got " + std::to_string(sunk) +
                                     " datagrams, " + std::to_string(packets) + " packets, not " +
                                     std::to_string(sample.sunk) + ", " +
                                     std::to_string(sample.taken));
        if (now.bad != before_.bad)
            throw std::runtime_error(sample.scenario + ": " +
                                     std::to_string(now.bad - before_.bad) +
                                     " packets were bad: " + modem_.uplink().first_violation);
        const bool repeated = now.repeated != before_.repeated;
        before_ = now;
        return !repeated;
    }

  private:
    const Modem &modem_;
    Taken before_;
};

std::vector<std::string_view> wanted(const Step &step, const Effort &effort) {
    std::vector<std::string_view> names;
    for (std::string_view name : step.scenarios)
        if (effort.scenarios.empty() || effort.scenarios.contains(name))
            names.push_back(name);
    return names;
}

std::string guest_command(const Subject &subject, const Effort &effort) {
    // What hosts say of themselves by IPv6 is not to be counted.
    std::string command = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6";
    for (const Step &step : subject.steps) {
        if (!step.load.empty())
            command += " && " + step.load;
        const auto scenarios = wanted(step, effort);
        if (scenarios.empty())
            continue;
        command += " && bench_guest " + step.options + " -n " + std::to_string(effort.packets) +
                   " -r " + std::to_string(effort.runs);
        for (std::string_view name : scenarios)
            command += " " + std::string(name);
    }
    return command;
}

} // namespace

unsigned samples_of(const Subject &subject, const Effort &effort) {
    size_t count = 0;
    for (const Step &step : subject.steps)
        count += wanted(step, effort).size() * effort.runs;
    return unsigned(count);
}

void run(const Subject &subject, const Effort &effort, const Paths &paths, const Extras &extras,
         const std::function<void(const Sample &, bool counts)> &sample) {
    const TemporaryDirectory directory;
    std::vector<std::string> command{
        paths.run_vm, "--icount",
        "--smp",      "1",
        "--timeout",  "3600",
        "--append",   "mitigations=off",
        "--modules",  "usbnet cdc-wdm dummy tun xhci-pci " + subject.modules + " " + extras.modules,
        "--add",      paths.guest,
        "--add",      paths.tc};
    const std::string socket = directory.path() / "module";
    if (!subject.profile.empty())
        command.insert(command.end(), {"--usbredir", socket});
    command.insert(command.end(), extras.options.begin(), extras.options.end());
    std::string in_guest = guest_command(subject, effort);
    if (!extras.finally.empty())
        in_guest += " && " + extras.finally;
    command.insert(command.end(), {"--", in_guest});

    std::optional<vmodem::UsbredirServer> server;
    std::optional<Modem> modem;
    if (!subject.profile.empty()) {
        server.emplace(socket);
        vmodem::ModemOptions options;
        options.attach = server->attach();
        options.speed = subject.speed;
        modem.emplace(*vmodem::find_profile(subject.profile), options);
    }
    Child vm(command);
    std::optional<Witness> witness;
    if (modem) {
        modem->plug_in();
        witness.emplace(*modem);
    }

    std::ofstream log(paths.log, std::ios::app);
    std::string last;
    unsigned samples = 0;
    for (Sample s; auto line = vm.line();) {
        log << *line << std::endl;
        if (parse(*line, s)) {
            const bool confirmed = !witness || witness->confirm(s);
            sample(s, confirmed && s.repeated == 0);
            samples++;
        } else if (!line->empty()) {
            last += "  " + *line + "\n";
        }
    }
    if (!vm.succeeded())
        throw std::runtime_error("the VM failed (see also " + paths.log + "):\n" + last);
    if (samples != samples_of(subject, effort))
        throw std::runtime_error("some measurements are missing");
}

} // namespace bench
