// SPDX-License-Identifier: GPL-2.0
// What the tests ask of the machine that they run on: files, netdevs, kernel module, kernel log.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace guest {

using namespace std::chrono_literals;

// How long what must happen is waited for: only a test that fails waits as long, so it is more than
// a kernel full of checks needs on a busy machine without KVM.
constexpr auto patience = 30s;

// Polls until true; false after the time-out.
bool wait_until(const std::function<bool()> &condition,
                std::chrono::milliseconds timeout = patience);
// The value, once it has not changed for a fifth of a second.
unsigned settled(const std::function<unsigned()> &value);

// Whole file, without its last newline; nullopt if it can't be read.
std::optional<std::string> read_file(const std::string &path);
// 0 or the errno of the write.
int write_file(const std::string &path, const std::string &text);
// Permission bits; 0 if there is no such file.
unsigned mode_of(const std::string &path);
std::vector<std::string> list_directory(const std::string &path);
// A shell command; its exit status.
int run(const std::string &command);
// Its standard output.
std::string output_of(const std::string &command);
// Its result, below 255, carried out by a child that has no capability left.
int without_capabilities(const std::function<int()> &action);

bool exists(const std::string &netdev);
// A file of /sys/class/net/NETDEV/; empty if it can't be read.
std::string attribute(const std::string &netdev, const std::string &file);
bool carrier(const std::string &netdev);
// 0 or the errno.
int set_up(const std::string &netdev, bool up);
// Waits until what is sent on a netdev that is up goes out. It shows its carrier at once, but for
// a while its qdisc still drops all.
bool wait_operational(const std::string &netdev);
int set_mtu(const std::string &netdev, int mtu);
// "10.101.0.2/30" or "2001:db8:1::2/64"; without duplicate address detection.
void add_address(const std::string &netdev, const std::string &address);
// Of all netdevs, IPv4 and IPv6.
void set_forwarding(bool on);
// Has busybox udhcpc, which every dialler's documentation names, get a lease and set the address.
bool take_lease(const std::string &netdev);
// "10.101.0.2/30", or how it begins.
bool has_address(const std::string &netdev, const std::string &address);
uint64_t statistic(const std::string &netdev, const std::string &name);
// ethtool -S.
std::map<std::string, uint64_t> ethtool_counters(const std::string &netdev);
// One of ethtool's old commands that set one thing: ETHTOOL_STSO and the like. 0 or the errno.
int set_offload(const std::string &netdev, uint32_t command, uint32_t value);
// One that gets it: ETHTOOL_GFLAGS and the like.
uint32_t get_offload(const std::string &netdev, uint32_t command);
// Driver name of ethtool -i.
std::string ethtool_driver(const std::string &netdev);

// A kernel module, loaded with these parameters for the life of the object. Unloading must succeed:
// the destructor fails the test otherwise.
class LoadedModule {
  public:
    explicit LoadedModule(const std::string &name, const std::string &parameters = "");
    ~LoadedModule();
    LoadedModule(const LoadedModule &) = delete;
    LoadedModule &operator=(const LoadedModule &) = delete;

    // 0 or the errno of loading; then it is not left loaded.
    static int try_load(const std::string &name, const std::string &parameters = "");

  private:
    std::string name_;
};

// The driver.
class LoadedDriver : public LoadedModule {
  public:
    explicit LoadedDriver(const std::string &parameters = "");
    static int try_load(const std::string &parameters);
};

// Kernel log from the moment of construction on.
class KernelLog {
  public:
    KernelLog();
    ~KernelLog();
    KernelLog(const KernelLog &) = delete;
    KernelLog &operator=(const KernelLog &) = delete;

    // All lines so far, without their time stamps.
    const std::vector<std::string> &lines();
    // A line that has this in it.
    bool wait_for(const std::string &text, std::chrono::milliseconds timeout = patience);
    unsigned count(const std::string &text);

  private:
    int fd_;
    std::vector<std::string> lines_;
};

} // namespace guest
