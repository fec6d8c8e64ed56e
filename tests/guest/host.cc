// SPDX-License-Identifier: GPL-2.0
#include "host.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sstream>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace guest {

namespace {

class Socket {
  public:
    Socket() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        if (fd_ < 0)
            throw std::system_error(errno, std::generic_category(), "socket");
    }
    ~Socket() { close(fd_); }
    Socket(const Socket &) = delete;
    Socket &operator=(const Socket &) = delete;

    // 0 or the errno.
    int request(unsigned long number, ifreq &r) const { return ioctl(fd_, number, &r) ? errno : 0; }

  private:
    int fd_;
};

ifreq request_for(const std::string &netdev) {
    ifreq request{};
    netdev.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    return request;
}

int ethtool(const std::string &netdev, void *command) {
    ifreq request = request_for(netdev);
    request.ifr_data = static_cast<char *>(command);
    return Socket().request(SIOCETHTOOL, request);
}

const char driver_module[] = "qmi_wwan_q";

// Where the VM runner puts the modules.
std::string module_path(const std::string &name) {
    return "/" + name + ".ko";
}

int load(const std::string &name, const std::string &parameters) {
    const int fd = open(module_path(name).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    const int result = syscall(SYS_finit_module, fd, parameters.c_str(), 0) ? errno : 0;
    close(fd);
    return result;
}

int unload(const std::string &name) {
    return syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) ? errno : 0;
}

} // namespace

bool wait_until(const std::function<bool()> &condition, std::chrono::milliseconds timeout) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return condition();
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

unsigned settled(const std::function<unsigned()> &value) {
    constexpr unsigned polls = 20;
    unsigned last = value(), same = 0;
    wait_until([&] {
        const unsigned now = value();
        same = now == std::exchange(last, now) ? same + 1 : 0;
        return same >= polls;
    });
    return last;
}

std::optional<std::string> read_file(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
        return std::nullopt;
    std::string result = text.str();
    if (!result.empty() && result.back() == '\n')
        result.pop_back();
    return result;
}

int write_file(const std::string &path, const std::string &text) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    const ssize_t written = write(fd, text.data(), text.size());
    const int error = written < 0 ? errno : written == ssize_t(text.size()) ? 0 : EIO;
    close(fd);
    return error;
}

unsigned mode_of(const std::string &path) {
    struct stat status {};
    return stat(path.c_str(), &status) ? 0 : status.st_mode & 07777;
}

std::vector<std::string> list_directory(const std::string &path) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto &entry : std::filesystem::directory_iterator(path, error))
        names.push_back(entry.path().filename());
    return names;
}

int run(const std::string &command) {
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string output_of(const std::string &command) {
    FILE *pipe = popen(command.c_str(), "r");
    std::string text;
    std::array<char, 4096> buffer;
    for (size_t n; pipe && (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        text.append(buffer.data(), n);
    if (pipe)
        pclose(pipe);
    return text;
}

int without_capabilities(const std::function<int()> &action) {
    const pid_t child = fork();
    if (child == 0) {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct none[2]{};
        _exit(syscall(SYS_capset, &header, none) ? 255 : action());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool exists(const std::string &netdev) {
    return if_nametoindex(netdev.c_str()) != 0;
}

std::string attribute(const std::string &netdev, const std::string &file) {
    return read_file("/sys/class/net/" + netdev + "/" + file).value_or("");
}

bool carrier(const std::string &netdev) {
    return attribute(netdev, "carrier") == "1";
}

int set_up(const std::string &netdev, bool up) {
    const Socket socket;
    ifreq request = request_for(netdev);
    if (const int error = socket.request(SIOCGIFFLAGS, request))
        return error;
    if (up)
        request.ifr_flags |= IFF_UP;
    else
        request.ifr_flags &= ~IFF_UP;
    return socket.request(SIOCSIFFLAGS, request);
}

bool wait_operational(const std::string &netdev) {
    return wait_until([&] {
               // Of a link that was up from the start nobody has been told: 'unknown'.
               const std::string state = attribute(netdev, "operstate");
               return state == "up" || state == "unknown";
           }) &&
           set_up(netdev, true) == 0; // waits for the RTNL, under which the qdisc follows the state
}

int set_mtu(const std::string &netdev, int mtu) {
    ifreq request = request_for(netdev);
    request.ifr_mtu = mtu;
    return Socket().request(SIOCSIFMTU, request);
}

void add_address(const std::string &netdev, const std::string &address) {
    write_file("/proc/sys/net/ipv6/conf/" + netdev + "/accept_dad", "0");
    ASSERT_EQ(run("ip addr add " + address + " dev " + netdev), 0) << address;
}

void set_forwarding(bool on) {
    EXPECT_EQ(write_file("/proc/sys/net/ipv4/ip_forward", on ? "1" : "0"), 0);
    EXPECT_EQ(write_file("/proc/sys/net/ipv6/conf/all/forwarding", on ? "1" : "0"), 0);
}

bool take_lease(const std::string &netdev) {
    const std::string script = "/tmp/udhcpc.script";
    std::ofstream(script) << "#!/bin/sh\n[ $1 = bound ] && ip addr add $ip/$mask dev $interface\n"
                             "exit 0\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return run("udhcpc -f -n -q -t 5 -T 1 -i " + netdev + " -s " + script + " >/dev/null 2>&1") ==
           0;
}

bool has_address(const std::string &netdev, const std::string &address) {
    return output_of("ip addr show dev " + netdev).find(" " + address) != std::string::npos;
}

uint64_t statistic(const std::string &netdev, const std::string &name) {
    return std::strtoull(attribute(netdev, "statistics/" + name).c_str(), nullptr, 10);
}

int set_offload(const std::string &netdev, uint32_t command, uint32_t value) {
    ethtool_value request{command, value};
    return ethtool(netdev, &request);
}

uint32_t get_offload(const std::string &netdev, uint32_t command) {
    ethtool_value request{command, 0};
    EXPECT_EQ(ethtool(netdev, &request), 0) << command;
    return request.data;
}

std::map<std::string, uint64_t> ethtool_counters(const std::string &netdev) {
    std::vector<uint32_t> sset(sizeof(ethtool_sset_info) / sizeof(uint32_t) + 1);
    auto *info = reinterpret_cast<ethtool_sset_info *>(sset.data());
    info->cmd = ETHTOOL_GSSET_INFO;
    info->sset_mask = 1u << ETH_SS_STATS;
    std::map<std::string, uint64_t> counters;
    if (ethtool(netdev, info) || !info->sset_mask)
        return counters;
    const uint32_t count = info->data[0];

    std::vector<uint8_t> names(sizeof(ethtool_gstrings) + size_t(count) * ETH_GSTRING_LEN);
    auto *strings = reinterpret_cast<ethtool_gstrings *>(names.data());
    strings->cmd = ETHTOOL_GSTRINGS;
    strings->string_set = ETH_SS_STATS;
    strings->len = count;
    std::vector<uint64_t> values(count + 1);
    auto *stats = reinterpret_cast<ethtool_stats *>(values.data());
    stats->cmd = ETHTOOL_GSTATS;
    stats->n_stats = count;
    if (ethtool(netdev, strings) || ethtool(netdev, stats))
        return counters;
    for (unsigned i = 0; i < count; i++) {
        const auto *name = reinterpret_cast<const char *>(strings->data) + i * ETH_GSTRING_LEN;
        counters[std::string(name, strnlen(name, ETH_GSTRING_LEN))] = stats->data[i];
    }
    return counters;
}

std::string ethtool_driver(const std::string &netdev) {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    return ethtool(netdev, &info) ? "" : info.driver;
}

LoadedModule::LoadedModule(const std::string &name, const std::string &parameters) : name_(name) {
    if (const int error = load(name, parameters))
        throw std::system_error(error, std::generic_category(),
                                "insmod " + module_path(name) + " " + parameters);
}

LoadedModule::~LoadedModule() {
    int error = EAGAIN;
    wait_until([&] { return (error = unload(name_)) != EAGAIN && error != EBUSY; });
    EXPECT_EQ(error, 0) << "rmmod " << name_ << ": " << std::strerror(error);
}

int LoadedModule::try_load(const std::string &name, const std::string &parameters) {
    const int error = load(name, parameters);
    if (!error)
        unload(name);
    return error;
}

LoadedDriver::LoadedDriver(const std::string &parameters)
    : LoadedModule(driver_module, parameters) {}

int LoadedDriver::try_load(const std::string &parameters) {
    return LoadedModule::try_load(driver_module, parameters);
}

KernelLog::KernelLog() : fd_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ < 0)
        throw std::system_error(errno, std::generic_category(), "/dev/kmsg");
    lseek(fd_, 0, SEEK_END);
}

KernelLog::~KernelLog() {
    close(fd_);
}

const std::vector<std::string> &KernelLog::lines() {
    std::array<char, 8192> record;
    for (;;) {
        const ssize_t n = read(fd_, record.data(), record.size());
        if (n < 0 && errno == EPIPE)
            continue; // overwritten: goes on with the oldest that is left
        if (n <= 0)
            return lines_;
        // "level,sequence,time,flags;text\n KEY=value\n..."
        const std::string all(record.data(), n);
        const size_t start = all.find(';') + 1;
        lines_.push_back(all.substr(start, all.find('\n') - start));
    }
}

bool KernelLog::wait_for(const std::string &text, std::chrono::milliseconds timeout) {
    return wait_until([&] { return count(text) > 0; }, timeout);
}

unsigned KernelLog::count(const std::string &text) {
    unsigned found = 0;
    for (const std::string &line : lines())
        found += line.find(text) != std::string::npos;
    return found;
}

} // namespace guest
