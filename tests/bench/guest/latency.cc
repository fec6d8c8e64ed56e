// SPDX-License-Identifier: GPL-2.0
#include "latency.h"
#include "sockets.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <numeric>
#include <system_error>
#include <thread>

namespace bench {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;
using Paths = std::vector<Path>;

namespace {

// Sends as fast as the link takes it, until it is destroyed. Whatever the qdisc drops is its own.
class Upload {
  public:
    explicit Upload(const Path &path) : socket_(udp_socket()) {
        connect_to(socket_, path.peer, port_sink);
        thread_ = std::thread([this] {
            const std::array<char, 1400> buffer{};
            while (!stop_)
                ::send(socket_.get(), buffer.data(), buffer.size(), 0);
        });
        std::this_thread::sleep_for(start);
    }
    ~Upload() {
        stop_ = true;
        thread_.join();
    }
    Upload(const Upload &) = delete;
    Upload &operator=(const Upload &) = delete;

  private:
    static constexpr auto start = 500ms; // until all queues are as full as they get

    FileDescriptor socket_;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

std::vector<Milliseconds> round_trips(const Path &path, unsigned count,
                                      std::chrono::milliseconds interval) {
    const FileDescriptor socket = udp_socket();
    connect_to(socket, path.peer, port_echo);
    std::vector<Milliseconds> times;
    for (unsigned i = 0; i < count; i++) {
        std::this_thread::sleep_for(interval);
        std::array<char, 64> buffer{};
        const auto begin = Clock::now();
        send_all(socket, buffer.data(), buffer.size());
        receive(socket, buffer.data(), buffer.size());
        times.push_back(Clock::now() - begin);
    }
    return times;
}

Milliseconds average_ping(const Path &path) {
    const auto times = round_trips(path, 200, 20ms);
    return std::accumulate(times.begin(), times.end(), Milliseconds(0)) / times.size();
}

Milliseconds ping_idle(const Paths &paths) {
    return average_ping(paths.front());
}

Milliseconds ping_under_upload(const Paths &paths) {
    const Upload upload(paths.front());
    return average_ping(paths.front());
}

Milliseconds ping_beside_upload(const Paths &paths) {
    const Upload upload(paths.front());
    return average_ping(paths.back());
}

// A timer that a packet waits for shows in the fastest, which the machine's load does not.
Milliseconds lone_packet(const Paths &paths) {
    return std::ranges::min(round_trips(paths.front(), 20, 100ms));
}

constexpr Latency latencies[] = {
    {"lone-packet", lone_packet},
    {"ping-idle", ping_idle},
    {"ping-under-upload", ping_under_upload},
    {"ping-beside-upload", ping_beside_upload},
};

} // namespace

const Latency *find_latency(std::string_view name) {
    auto found = std::ranges::find(latencies, name, &Latency::name);
    return found == std::end(latencies) ? nullptr : &*found;
}

} // namespace bench
