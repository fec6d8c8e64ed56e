// SPDX-License-Identifier: GPL-2.0
#include "stress.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <linux/usbdevice_fs.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace guest {

void Background::repeat(std::function<void()> work) {
    threads_.emplace_back([this, first = threads_.empty(), work = std::move(work)] {
        while (!stopping_) {
            work();
            if (first)
                rounds_++;
        }
    });
}

void Background::load(const Pdn &pdn) {
    const Target target = pdn.ipv4();
    // What fails at once must not keep the CPU from those that it waits for.
    auto tolerate = [](const std::string &error) {
        if (!error.empty())
            std::this_thread::sleep_for(5ms);
    };
    repeat([=] { tolerate(tcp_download(target, 300'000, 300ms)); });
    repeat([=] { tolerate(tcp_upload(target, 300'000, 300ms)); });
}

void Background::stop() {
    stopping_ = true;
    for (std::thread &thread : threads_)
        thread.join();
    threads_.clear();
}

Namespace::Namespace() {
    std::thread([this] {
        if (!unshare(CLONE_NEWNET))
            fd_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        else
            fd_ = -1;
    }).join();
    if (fd_ < 0)
        throw std::system_error(errno, std::generic_category(), "network namespace");
}

Namespace::~Namespace() {
    close(fd_);
}

void Namespace::run_inside(const std::function<void()> &work) const {
    std::thread([&] {
        ASSERT_EQ(setns(fd_, CLONE_NEWNET), 0);
        work();
    }).join();
}

// A process in the namespace stands for it: 'ip' takes a PID.
int Namespace::take(const std::string &netdev) const {
    int result = -1;
    std::atomic<pid_t> id = 0;
    std::atomic<bool> done = false;
    std::thread inside([&] {
        id = setns(fd_, CLONE_NEWNET) ? -1 : gettid();
        id.notify_all();
        done.wait(false);
    });
    id.wait(0);
    if (id > 0)
        result = run("ip link set " + netdev + " netns " + std::to_string(id) + " 2>/dev/null");
    done = true;
    done.notify_all();
    inside.join();
    return result;
}

int Namespace::give_back(const std::string &netdev) const {
    const std::string id = std::to_string(getpid());
    int result = -1;
    run_inside([&] { result = run("ip link set " + netdev + " netns " + id + " 2>/dev/null"); });
    return result;
}

CleanLog::CleanLog() : fd_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ < 0)
        throw std::system_error(errno, std::generic_category(), "/dev/kmsg");
    lseek(fd_, 0, SEEK_END);
}

CleanLog::~CleanLog() {
    constexpr std::array signs = {"WARNING:",
                                  "BUG:",
                                  "KASAN",
                                  "UBSAN",
                                  "ODEBUG",
                                  "Call Trace",
                                  "INFO: ",
                                  "corruption",
                                  "refcount_t",
                                  "page fault",
                                  "unregister_netdevice",
                                  "stall",
                                  "hung",
                                  "lockdep",
                                  "memory leak",
                                  "Oops",
                                  "general protection"};
    std::array<char, 8192> record;
    unsigned shown = 0;
    for (;;) {
        const ssize_t n = read(fd_, record.data(), record.size());
        if (n < 0 && errno == EPIPE)
            continue;
        if (n <= 0)
            break;
        // "facility and level,sequence,time,flags;text\n KEY=value\n..."
        const std::string all(record.data(), n);
        const size_t start = all.find(';') + 1;
        const std::string text = all.substr(start, all.find('\n') - start);
        const unsigned level = std::stoul(all) & 7;
        const bool sign = std::any_of(signs.begin(), signs.end(), [&](const char *s) {
            return text.find(s) != std::string::npos;
        });
        const bool complaint = level <= 4 && text.find("qmi_wwan_q") != std::string::npos &&
                               text.find("out-of-tree") == std::string::npos;
        if ((sign && level <= 4) || complaint || shown) {
            if (shown++ < 60)
                ADD_FAILURE() << "kernel: " << text;
        }
    }
    close(fd_);
}

const std::string slab_failures = "/sys/kernel/debug/failslab/",
                  page_failures = "/sys/kernel/debug/fail_page_alloc/";

bool can_fail_allocations() {
    return access((slab_failures + "probability").c_str(), F_OK) == 0;
}

void set_failures(const std::string &of, const std::string &file, const std::string &value) {
    ASSERT_EQ(write_file(of + file, value), 0) << file;
}

void fail_allocations(const std::string &of, const std::string &percent) {
    set_failures(of, "verbose", "0");
    set_failures(of, "interval", "1");
    set_failures(of, "times", "-1");
    set_failures(of, "probability", percent);
}

FailingAllocations::FailingAllocations(const std::string &percent) {
    set_failures(slab_failures, "cache-filter", "Y");
    set_failures(slab_failures, "task-filter", "Y");
    set_failures(slab_failures, "ignore-gfp-wait", "N");
    fail_allocations(slab_failures, percent);
}

FailingAllocations::~FailingAllocations() {
    set_failures(slab_failures, "probability", "0");
    set_failures(slab_failures, "ignore-gfp-wait", "Y");
    set_failures(slab_failures, "task-filter", "N");
    set_failures(slab_failures, "cache-filter", "N");
}

void FailingAllocations::run(const std::function<void()> &work) const {
    std::thread([&] {
        write_file("/proc/thread-self/make-it-fail", "1");
        work();
        write_file("/proc/thread-self/make-it-fail", "0");
    }).join();
}

void bring_up(Bench &bench) {
    bench.agree();
    ASSERT_EQ(set_up(bench.master(), true), 0);
    for (const Pdn &pdn : bench.pdns()) {
        ASSERT_EQ(set_up(pdn.netdev, true), 0);
        bench.modem().open_mux(bench.mode() ? pdn.mux_id : 0);
        ASSERT_EQ(bench.set_link_state(pdn.number), 0);
        set_ipv4(pdn.netdev, "10." + std::to_string(100 + pdn.number) + ".0.2", "255.255.255.252");
    }
}

void set_ipv4(const std::string &netdev, const std::string &address, const std::string &netmask) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    netdev.copy(request.ifr_name, IFNAMSIZ - 1);
    auto *in = reinterpret_cast<sockaddr_in *>(&request.ifr_addr);
    in->sin_family = AF_INET;
    inet_pton(AF_INET, address.c_str(), &in->sin_addr);
    ioctl(fd, SIOCSIFADDR, &request);
    inet_pton(AF_INET, netmask.c_str(), &in->sin_addr);
    ioctl(fd, SIOCSIFNETMASK, &request);
    close(fd);
}

std::vector<std::string> driver_netdevs() {
    std::vector<std::string> found;
    for (const std::string &netdev : list_directory("/sys/class/net"))
        if (netdev.starts_with("wwan"))
            found.push_back(netdev);
    return found;
}

int usb_reset(const std::string &device) {
    const std::string bus = "/sys/bus/usb/devices/" + device;
    std::array<char, 40> node;
    std::snprintf(node.data(), node.size(), "/dev/bus/usb/%03d/%03d",
                  std::atoi(read_file(bus + "/busnum").value_or("").c_str()),
                  std::atoi(read_file(bus + "/devnum").value_or("").c_str()));
    const int fd = open(node.data(), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    const int error = ioctl(fd, USBDEVFS_RESET) ? errno : 0;
    close(fd);
    return error;
}

int packet_socket(const std::string &netdev) {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = int(if_nametoindex(netdev.c_str()));
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    return fd;
}

std::vector<Bytes>
take_packets(int packet_socket, size_t payload,
             const std::function<std::optional<size_t>(const Bytes &)> &payload_of) {
    std::vector<Bytes> packets;
    pollfd p{packet_socket, POLLIN, 0};
    Bytes frame(1 << 17);
    while (payload && poll(&p, 1, 5000) > 0) {
        const ssize_t size = recv(packet_socket, frame.data(), frame.size(), 0);
        Bytes packet(&frame[ETH_HLEN], &frame[std::max<ssize_t>(size, ETH_HLEN)]);
        const std::optional<size_t> own = payload_of(packet);
        if (!own)
            continue;
        payload -= std::min(payload, *own);
        packets.push_back(std::move(packet));
    }
    EXPECT_EQ(payload, 0u) << "bytes that never came";
    return packets;
}

} // namespace guest
