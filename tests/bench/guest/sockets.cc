// SPDX-License-Identifier: GPL-2.0
#include "sockets.h"

#include <cerrno>
#include <sys/time.h>
#include <system_error>

namespace bench {

void fail(const std::string &what) {
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in address_of(uint32_t ipv4, uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(ipv4);
    return address;
}

static FileDescriptor patient_socket(int type) {
    FileDescriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    if (!socket)
        fail("socket");
    const timeval patience{patience_seconds, 0};
    for (int option : {SO_RCVTIMEO, SO_SNDTIMEO})
        if (::setsockopt(socket.get(), SOL_SOCKET, option, &patience, sizeof(patience)) < 0)
            fail("setsockopt");
    return socket;
}

FileDescriptor udp_socket() {
    return patient_socket(SOCK_DGRAM);
}

FileDescriptor tcp_socket() {
    return patient_socket(SOCK_STREAM);
}

void connect_to(const FileDescriptor &socket, uint32_t ipv4, uint16_t port) {
    const sockaddr_in address = address_of(ipv4, port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) < 0)
        fail("connect");
}

void set_option(const FileDescriptor &socket, int level, int name, int value) {
    if (::setsockopt(socket.get(), level, name, &value, sizeof(value)) < 0)
        fail("setsockopt");
}

void send_all(const FileDescriptor &socket, const void *data, size_t size) {
    for (auto *at = static_cast<const char *>(data); size > 0;) {
        const ssize_t sent = ::send(socket.get(), at, size, MSG_NOSIGNAL);
        if (sent < 0)
            fail("send");
        at += sent;
        size -= size_t(sent);
    }
}

size_t receive(const FileDescriptor &socket, void *data, size_t size) {
    const ssize_t got = ::recv(socket.get(), data, size, 0);
    if (got < 0)
        fail("receive");
    return size_t(got);
}

} // namespace bench
