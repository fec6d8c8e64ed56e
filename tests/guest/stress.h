// SPDX-License-Identifier: GPL-2.0
// What the tests of lifetime and concurrency do to a machine: work that goes on behind the test's
// back and may fail, other network namespaces, and the kernel's own verdict.
#pragma once

#include "bench.h"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace guest {

// Threads that do something over and over until the object goes. Whatever they do may fail.
class Background {
  public:
    Background() = default;
    ~Background() { stop(); }
    Background(const Background &) = delete;
    Background &operator=(const Background &) = delete;

    void repeat(std::function<void()> work);
    // Downloads, uploads and UDP on that netdev, IPv4.
    void load(const Pdn &pdn);
    void stop();
    // Times that the work added first has been done.
    unsigned rounds() const { return rounds_; }

  private:
    std::atomic<bool> stopping_ = false;
    std::atomic<unsigned> rounds_ = 0;
    std::vector<std::thread> threads_;
};

// A network namespace with nothing in it, gone with the object.
class Namespace {
  public:
    Namespace();
    ~Namespace();
    Namespace(const Namespace &) = delete;
    Namespace &operator=(const Namespace &) = delete;

    // Moves a netdev of the test's own namespace here, or one of here back; exit status.
    int take(const std::string &netdev) const;
    int give_back(const std::string &netdev) const;
    void run_inside(const std::function<void()> &work) const;

  private:
    int fd_;
};

// The kernel found nothing wrong while the object lived: no warning, report of a sanitizer or
// lock checker, or complaint of the driver. Fails the test otherwise.
class CleanLog {
  public:
    CleanLog();
    ~CleanLog();
    CleanLog(const CleanLog &) = delete;
    CleanLog &operator=(const CleanLog &) = delete;

  private:
    int fd_;
};

// Of the allocations of kernels that can let them fail: small ones, in the caches that the kernel
// was booted with failures for ('slub_debug=A,...', see test-debug in the Makefile), and pages.
extern const std::string slab_failures, page_failures;
bool can_fail_allocations();
// A setting of one of the two.
void set_failures(const std::string &of, const std::string &file, const std::string &value);
// So many in a hundred fail from now on; "0": none.
void fail_allocations(const std::string &of, const std::string &percent);

// As long as it lives no small allocations but those of run() fail, these also where the kernel
// could wait.
class FailingAllocations {
  public:
    explicit FailingAllocations(const std::string &percent);
    ~FailingAllocations();
    FailingAllocations(const FailingAllocations &) = delete;
    FailingAllocations &operator=(const FailingAllocations &) = delete;

    // On a thread of its own.
    void run(const std::function<void()> &work) const;
};

// As Bench::connect_all(), but IPv4 alone, without a process started, and whatever the state is.
void bring_up(Bench &bench);
// Without a DHCP client or a process started: quick, and an error is no failure of the test.
void set_ipv4(const std::string &netdev, const std::string &address, const std::string &netmask);
// Netdevs of the driver, master and mux, that there are.
std::vector<std::string> driver_netdevs();
// USBDEVFS_RESET on the device of that USB name; 0 or the errno.
int usb_reset(const std::string &device);
// A packet socket on that netdev, bound to every protocol.
int packet_socket(const std::string &netdev);
// What it gets, without the Ethernet header, until there are so many bytes of payload, as
// payload_of has it: nullopt for what is of no concern.
std::vector<Bytes>
take_packets(int packet_socket, size_t payload,
             const std::function<std::optional<size_t>(const Bytes &)> &payload_of);

} // namespace guest
