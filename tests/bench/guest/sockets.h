// SPDX-License-Identifier: GPL-2.0
// Sockets whose failures are exceptions: there is nothing to do about them but to stop.
#pragma once

#include "../../modem/file_descriptor.h"

#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>

namespace bench {

using vmodem::FileDescriptor;

// Ports of the services behind the module (see ip_peer.h).
constexpr uint16_t port_echo = 7, port_sink = 9, port_source = 19, port_tcp_flow = 20;

// A wait that is longer than this means that something was lost.
constexpr int patience_seconds = 5;

// std::system_error of errno.
[[noreturn]] void fail(const std::string &what);

sockaddr_in address_of(uint32_t ipv4, uint16_t port);

// Both with the patience above. Not bound, not connected.
FileDescriptor udp_socket();
FileDescriptor tcp_socket();
void connect_to(const FileDescriptor &socket, uint32_t ipv4, uint16_t port);
void set_option(const FileDescriptor &socket, int level, int name, int value);

// All of it.
void send_all(const FileDescriptor &socket, const void *data, size_t size);
// As much as there is, at least a byte; 0: the far end has closed.
size_t receive(const FileDescriptor &socket, void *data, size_t size);

} // namespace bench
