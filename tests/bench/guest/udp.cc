// SPDX-License-Identifier: GPL-2.0
#include "pace.h"
#include "scenario.h"
#include "sockets.h"

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

namespace bench {

// The module's source would outrun any socket, so it is asked for a window at a time.
static constexpr uint64_t window = 512;
static constexpr int receive_buffer = 16 << 20;

namespace {

class Download {
  public:
    Download(const Path &path, size_t payload) : payload_(payload), socket_(udp_socket()) {
        set_option(socket_, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer);
        connect_to(socket_, path.peer, port_source);
    }

    void request(uint64_t packets) {
        const std::string text = std::to_string(packets) + " " + std::to_string(payload_) + " 0";
        send_all(socket_, text.data(), text.size());
    }

    void receive_all(uint64_t packets) {
        std::array<char, 2048> buffer;
        for (uint64_t i = 0; i < packets; i++)
            if (receive(socket_, buffer.data(), buffer.size()) != payload_)
                throw std::runtime_error("a datagram of the wrong size");
    }

  private:
    size_t payload_;
    FileDescriptor socket_;
};

} // namespace

Job udp_down(const std::vector<Path> &paths, uint64_t packets, size_t payload) {
    auto downloads = std::make_shared<std::vector<Download>>();
    for (const Path &path : paths)
        downloads->emplace_back(path, payload);
    const uint64_t share = packets / paths.size();
    auto work = [downloads, share] {
        for (uint64_t done = 0; done < share; done += window) {
            const uint64_t count = std::min(window, share - done);
            for (Download &download : *downloads)
                download.request(count);
            for (Download &download : *downloads)
                download.receive_all(count);
        }
    };
    return {share * paths.size(), work};
}

Job udp_up(const std::vector<Path> &paths, uint64_t packets, size_t payload) {
    struct Sender {
        FileDescriptor socket;
        Pace pace;
    };
    auto senders = std::make_shared<std::vector<Sender>>();
    for (const Path &path : paths) {
        senders->push_back({udp_socket(), Pace(path)});
        connect_to(senders->back().socket, path.peer, port_sink);
    }
    // The socket's buffer holds it back until the driver has sent.
    auto work = [senders, packets, buffer = std::vector<char>(payload)] {
        for (uint64_t i = 0; i < packets; i++)
            send_all((*senders)[i % senders->size()].socket, buffer.data(), buffer.size());
        for (Sender &sender : *senders)
            sender.pace.finish();
    };
    return {packets, work, paths.front().answers ? packets : 0};
}

Job udp_echo(const std::vector<Path> &paths, uint64_t packets) {
    constexpr uint64_t share = 40; // fewer do: each takes long
    auto socket = std::make_shared<FileDescriptor>(udp_socket());
    connect_to(*socket, paths.front().peer, port_echo);
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
