// SPDX-License-Identifier: GPL-2.0
#include "traffic.h"

#include "../modem/file_descriptor.h"
#include "../modem/pattern.h"
#include "stack_counters.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <endian.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace guest {

namespace {

using SteadyClock = std::chrono::steady_clock;
using Bytes = std::vector<uint8_t>;

constexpr uint16_t port_echo = 7, port_sink = 9, port_source = 19;

[[noreturn]] void fail(const std::string &what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// A connected socket, bound to the target's netdev, with a deadline for all it does.
class Connection {
  public:
    Connection(const Target &target, int type, int protocol, uint16_t port,
               std::chrono::milliseconds timeout)
        : deadline_(SteadyClock::now() + timeout) {
        sockaddr_storage address{};
        auto *v4 = reinterpret_cast<sockaddr_in *>(&address);
        auto *v6 = reinterpret_cast<sockaddr_in6 *>(&address);
        socklen_t length = sizeof(*v4);
        if (inet_pton(AF_INET, target.address.c_str(), &v4->sin_addr) == 1) {
            v4->sin_family = AF_INET;
            v4->sin_port = htons(port);
        } else if (inet_pton(AF_INET6, target.address.c_str(), &v6->sin6_addr) == 1) {
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons(port);
            length = sizeof(*v6);
        } else {
            errno = EINVAL;
            fail(target.address);
        }
        fd_ = vmodem::FileDescriptor(
            socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
        if (!fd_)
            fail("socket");
        if (setsockopt(fd_.get(), SOL_SOCKET, SO_BINDTODEVICE, target.netdev.c_str(),
                       target.netdev.size()))
            fail("bind to " + target.netdev);
        if (target.prepare)
            target.prepare(fd_.get());
        if (connect(fd_.get(), reinterpret_cast<sockaddr *>(&address), length)) {
            if (errno != EINPROGRESS)
                fail("connect");
            wait(POLLOUT, "connect");
            int error = 0;
            socklen_t size = sizeof(error);
            getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
            if ((errno = error))
                fail("connect");
        }
    }
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    size_t send(const uint8_t *data, size_t size) {
        for (;;) {
            const ssize_t n = ::send(fd_.get(), data, size, MSG_NOSIGNAL);
            if (n >= 0)
                return size_t(n);
            if (errno != EAGAIN && errno != ENOBUFS)
                fail("send");
            wait(POLLOUT, "send");
        }
    }
    void send_all(const uint8_t *data, size_t size) {
        while (size) {
            const size_t n = send(data, size);
            data += n;
            size -= n;
        }
    }
    // 0 at the end of a stream.
    size_t receive(uint8_t *data, size_t size) {
        for (;;) {
            const ssize_t n = recv(fd_.get(), data, size, 0);
            if (n >= 0)
                return size_t(n);
            if (errno != EAGAIN)
                fail("receive");
            wait(POLLIN, "receive");
        }
    }
    // What is sent at once goes as datagrams of that many bytes.
    void segment(int bytes) {
        if (setsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &bytes, sizeof(bytes)))
            fail("UDP_SEGMENT");
    }
    void finish_sending() { shutdown(fd_.get(), SHUT_WR); }

  private:
    void wait(short events, const char *what) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - SteadyClock::now());
        pollfd p{fd_.get(), events, 0};
        if (left.count() <= 0 || poll(&p, 1, int(left.count())) == 0) {
            errno = ETIMEDOUT;
            fail(what);
        }
    }

    vmodem::FileDescriptor fd_;
    SteadyClock::time_point deadline_;
};

std::string report(const std::function<std::string()> &exchange) {
    try {
        return exchange();
    } catch (const std::system_error &e) {
        return e.what();
    }
}

std::string at(uint64_t offset, uint64_t bytes) {
    return " at byte " + std::to_string(offset) + " of " + std::to_string(bytes);
}

} // namespace

std::string tcp_download(const Target &target, uint64_t bytes, std::chrono::milliseconds timeout) {
    uint64_t offset = 0;
    const std::string error = report([&]() -> std::string {
        Connection c(target, SOCK_STREAM, 0, port_source, timeout);
        const std::string wanted = std::to_string(bytes) + "\n";
        c.send_all(reinterpret_cast<const uint8_t *>(wanted.data()), wanted.size());
        Bytes buffer(64 * 1024);
        for (size_t n; (n = c.receive(buffer.data(), buffer.size())); offset += n)
            if (vmodem::pattern_mismatches(offset, {buffer.data(), n}))
                return "wrong data";
        return offset == bytes ? "" : "the stream ended";
    });
    return error.empty() ? error : "download: " + error + at(offset, bytes);
}

std::string tcp_upload(const Target &target, uint64_t bytes, std::chrono::milliseconds timeout) {
    uint64_t offset = 0;
    const std::string error = report([&]() -> std::string {
        Connection c(target, SOCK_STREAM, 0, port_sink, timeout);
        Bytes buffer(64 * 1024);
        while (offset < bytes) {
            const size_t n = std::min<uint64_t>(buffer.size(), bytes - offset);
            vmodem::fill_pattern(offset, {buffer.data(), n});
            c.send_all(buffer.data(), n);
            offset += n;
        }
        c.finish_sending();
        std::string verdict;
        for (size_t n; (n = c.receive(buffer.data(), buffer.size()));)
            verdict.append(buffer.begin(), buffer.begin() + n);
        const std::string wanted = std::to_string(bytes) + " 0\n";
        return verdict == wanted ? "" : "the sink says '" + verdict + "'";
    });
    return error.empty() ? error : "upload: " + error + at(offset, bytes);
}

uint64_t segments_out_of_order() {
    return stack_counter("/proc/net/netstat", "TCPOFOQueue");
}

std::string udp_echo(const Target &target, size_t payload, std::chrono::milliseconds timeout) {
    return report([&]() -> std::string {
        Connection c(target, SOCK_DGRAM, 0, port_echo, timeout);
        Bytes sent(payload), back(payload + 1);
        vmodem::fill_pattern(payload, sent);
        c.send(sent.data(), sent.size());
        back.resize(c.receive(back.data(), back.size()));
        return back == sent ? "" : "the echo differs";
    });
}

std::string udp_echo_segmented(const Target &target, size_t bytes, uint16_t segment,
                               std::chrono::milliseconds timeout) {
    return report([&]() -> std::string {
        Connection c(target, SOCK_DGRAM, 0, port_echo, timeout);
        c.segment(segment);
        Bytes sent(bytes), back;
        vmodem::fill_pattern(0, sent);
        c.send(sent.data(), sent.size());
        for (size_t n; back.size() < bytes; back.resize(back.size() - segment + n)) {
            back.resize(back.size() + segment);
            n = c.receive(back.data() + back.size() - segment, segment);
        }
        return back == sent ? "" : "the echo differs";
    });
}

std::string udp_flood(const Target &target, unsigned count, size_t payload) {
    return report([&]() -> std::string {
        Connection c(target, SOCK_DGRAM, 0, port_sink, 10 * patience);
        Bytes data(payload);
        vmodem::fill_pattern(0, data);
        for (unsigned i = 0; i < count; i++) {
            const uint64_t number = htobe64(i);
            std::memcpy(data.data(), &number, std::min(data.size(), sizeof(number)));
            c.send(data.data(), data.size());
        }
        return "";
    });
}

std::string ping(const Target &target, size_t payload, std::chrono::milliseconds timeout) {
    const bool v6 = target.address.find(':') != std::string::npos;
    return report([&]() -> std::string {
        // Ping sockets: the kernel fills in the identifier and the checksum.
        Connection c(target, SOCK_DGRAM, v6 ? int(IPPROTO_ICMPV6) : int(IPPROTO_ICMP), 0, timeout);
        Bytes request(sizeof(icmphdr) + payload), reply(request.size() + 1);
        request[0] = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
        vmodem::fill_pattern(payload, {request.data() + sizeof(icmphdr), payload});
        c.send(request.data(), request.size());
        reply.resize(c.receive(reply.data(), reply.size()));
        const bool same = reply.size() == request.size() &&
                          std::equal(request.begin() + sizeof(icmphdr), request.end(),
                                     reply.begin() + sizeof(icmphdr));
        return same ? "" : "the reply differs";
    });
}

} // namespace guest
