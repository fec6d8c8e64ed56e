// SPDX-License-Identifier: GPL-2.0
#include "../../modem/pattern.h"
#include "scenario.h"
#include "sockets.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <netinet/tcp.h>
#include <stdexcept>
#include <thread>

namespace bench {

static constexpr size_t chunk = 128 << 10; // of a send or receive

namespace {

// A connection to one of the module's services, and how much will go over it.
class Transfer {
  public:
    Transfer(const Path &path, uint16_t port, uint64_t segments) : socket_(tcp_socket()) {
        connect_to(socket_, path.peer, port);
        int size;
        socklen_t length = sizeof(size);
        if (::getsockopt(socket_.get(), IPPROTO_TCP, TCP_MAXSEG, &size, &length) < 0)
            fail("getsockopt");
        bytes_ = segments * uint64_t(size);
    }
    virtual ~Transfer() = default;
    virtual void run() = 0;

  protected:
    FileDescriptor socket_;
    uint64_t bytes_;
};

class Download : public Transfer {
  public:
    Download(const Path &path, uint64_t segments)
        : Transfer(path, port_source, segments), buffer_(chunk) {}

    void run() override {
        const std::string request = std::to_string(bytes_) + "\n";
        send_all(socket_, request.data(), request.size());
        uint64_t total = 0;
        while (size_t got = receive(socket_, buffer_.data(), buffer_.size()))
            total += got;
        if (total != bytes_)
            throw std::runtime_error("a download of the wrong size");
    }

  private:
    std::vector<char> buffer_;
};

class Upload : public Transfer {
  public:
    Upload(const Path &path, uint64_t segments) : Transfer(path, port_sink, segments) {
        if (stream().size() < bytes_) {
            stream().resize(bytes_);
            vmodem::fill_pattern(0, stream());
        }
    }

    void run() override {
        for (uint64_t at = 0; at < bytes_; at += chunk)
            send_all(socket_, &stream()[at], std::min<uint64_t>(chunk, bytes_ - at));
        ::shutdown(socket_.get(), SHUT_WR);
        char line[64];
        std::string answer;
        while (size_t got = receive(socket_, line, sizeof(line)))
            answer.append(line, got);
        if (answer != std::to_string(bytes_) + " 0\n")
            throw std::runtime_error("of an upload the module got " + answer);
    }

  private:
    // What every upload begins with, made beforehand.
    static vmodem::Bytes &stream() {
        static vmodem::Bytes bytes;
        return bytes;
    }
};

using Transfers = std::vector<std::shared_ptr<Transfer>>;

void run_all(const Transfers &transfers) {
    std::vector<std::thread> threads;
    std::vector<std::exception_ptr> errors(transfers.size());
    auto run = [&](size_t i) {
        try {
            transfers[i]->run();
        } catch (const std::exception &) {
            errors[i] = std::current_exception();
        }
    };
    for (size_t i = 1; i < transfers.size(); i++)
        threads.emplace_back(run, i);
    run(0);
    for (std::thread &thread : threads)
        thread.join();
    for (const std::exception_ptr &error : errors)
        if (error)
            std::rethrow_exception(error);
}

template <typename... Kinds> Job transfer(const std::vector<Path> &paths, uint64_t packets) {
    const uint64_t share = packets / (paths.size() * sizeof...(Kinds));
    Transfers transfers;
    for (const Path &path : paths)
        (transfers.push_back(std::make_shared<Kinds>(path, share)), ...);
    return {share * transfers.size(), [transfers] { run_all(transfers); }};
}

} // namespace

Job tcp_down(const std::vector<Path> &paths, uint64_t packets) {
    return transfer<Download>(paths, packets);
}

Job tcp_up(const std::vector<Path> &paths, uint64_t packets) {
    return transfer<Upload>(paths, packets);
}

Job tcp_both_ways(const std::vector<Path> &paths, uint64_t packets) {
    return transfer<Download, Upload>(paths, packets);
}

} // namespace bench
