// SPDX-License-Identifier: GPL-2.0
#include "scenario.h"
#include "sockets.h"

#include <array>
#include <memory>
#include <stdexcept>

namespace bench {

// The module's source would outrun any socket, so it is asked for windows, two ahead on each path.
// Each asks another of the path's addresses: a new request ends a flow of the same ends.
static constexpr uint64_t window = 2048, ahead = 2;
static constexpr int receive_buffer = 64 << 20;

namespace {

class Download {
  public:
    Download(const std::vector<Path> &paths, uint64_t packets, size_t payload)
        : paths_(paths), packets_(packets), payload_(payload), socket_(udp_socket()) {
        set_option(socket_, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer);
    }

    void run() {
        const uint64_t limit = window * ahead * paths_.size();
        uint64_t requested = 0;
        std::array<char, 2048> buffer;
        for (uint64_t received = 0; received < packets_; received++) {
            while (requested < packets_ && requested - received <= limit - window) {
                request(std::min(window, packets_ - requested));
                requested += std::min(window, packets_ - requested);
            }
            if (receive(socket_, buffer.data(), buffer.size()) != payload_)
                throw std::runtime_error("a datagram of the wrong size");
        }
    }

  private:
    void request(uint64_t count) {
        const Path &path = paths_[requests_ % paths_.size()];
        const sockaddr_in peer =
            address_of(path.peer(unsigned(requests_ / paths_.size())), port_source);
        requests_++;
        const std::string text = std::to_string(count) + " " + std::to_string(payload_) + " 0";
        if (::sendto(socket_.get(), text.data(), text.size(), 0,
                     reinterpret_cast<const sockaddr *>(&peer), sizeof(peer)) < 0)
            fail("request");
    }

    std::vector<Path> paths_;
    uint64_t packets_;
    size_t payload_;
    FileDescriptor socket_;
    uint64_t requests_ = 0;
};

} // namespace

Job udp_down(const std::vector<Path> &paths, uint64_t packets, size_t payload) {
    auto download = std::make_shared<Download>(paths, packets, payload);
    return {packets, [download] { download->run(); }};
}

Job udp_up(const std::vector<Path> &paths, uint64_t packets, size_t payload) {
    auto sockets = std::make_shared<std::vector<FileDescriptor>>();
    for (const Path &path : paths) {
        sockets->push_back(udp_socket());
        connect_to(sockets->back(), path.peer(), port_sink);
    }
    auto work = [sockets, packets, buffer = std::vector<char>(payload)] {
        for (uint64_t i = 0; i < packets; i++)
            send_all((*sockets)[i % sockets->size()], buffer.data(), buffer.size());
        let_it_drain();
    };
    return {packets, work, paths.front().answers ? packets : 0};
}

Job udp_echo(const std::vector<Path> &paths, uint64_t packets) {
    constexpr uint64_t share = 10; // fewer do: each costs much
    auto socket = std::make_shared<FileDescriptor>(udp_socket());
    connect_to(*socket, paths.front().peer(), port_echo);
    auto work = [socket, round_trips = packets / share] {
        std::array<char, 64> buffer{};
        for (uint64_t i = 0; i < round_trips; i++) {
            send_all(*socket, buffer.data(), buffer.size());
            receive(*socket, buffer.data(), buffer.size());
        }
    };
    return {packets / share, work};
}

} // namespace bench
