// SPDX-License-Identifier: GPL-2.0
#include "ethtool.h"

#include "file_descriptor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <vector>

namespace {

// The kernel writes as many counters as the netdev has by then, however many were asked for. Should
// another netdev take the name in between, there is room for any that is known.
constexpr size_t least_room = 4096;

// A request with its answer behind it, aligned for both.
template <typename Header> class Request {
  public:
    Request(uint32_t command, size_t payload)
        : words_((sizeof(Header) + payload + sizeof(uint64_t) - 1) / sizeof(uint64_t)) {
        header().cmd = command;
    }
    Header &header() { return *reinterpret_cast<Header *>(words_.data()); }

  private:
    std::vector<uint64_t> words_;
};

// 0 or the errno.
template <typename Header> int ask(int fd, const std::string &netdev, Request<Header> &request) {
    ifreq interface {};
    if (netdev.empty() || netdev.size() >= sizeof(interface.ifr_name))
        return ENODEV;
    std::ranges::copy(netdev, interface.ifr_name);
    interface.ifr_data = reinterpret_cast<char *>(&request.header());
    return ioctl(fd, SIOCETHTOOL, &interface) < 0 ? errno : 0;
}

} // namespace

Result<std::map<std::string, uint64_t>> ethtool_counters(const std::string &netdev) {
    const auto failed = [&](int code) {
        return failure(fmt::format("{}: can't read its counters: {}", netdev, strerror(code)),
                       code);
    };
    const FileDescriptor fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return failed(errno);

    Request<ethtool_drvinfo> info(ETHTOOL_GDRVINFO, 0);
    if (const int code = ask(fd.get(), netdev, info))
        return failed(code);
    const size_t count = info.header().n_stats;
    if (count == 0)
        return std::map<std::string, uint64_t>{};
    const size_t room = std::max(count, least_room);
    Request<ethtool_gstrings> names(ETHTOOL_GSTRINGS, room * ETH_GSTRING_LEN);
    names.header().string_set = ETH_SS_STATS;
    names.header().len = count;
    Request<ethtool_stats> values(ETHTOOL_GSTATS, room * sizeof(uint64_t));
    values.header().n_stats = count;
    if (const int code = ask(fd.get(), netdev, names))
        return failed(code);
    if (const int code = ask(fd.get(), netdev, values))
        return failed(code);

    std::map<std::string, uint64_t> counters;
    const size_t told = std::min<size_t>({count, names.header().len, values.header().n_stats});
    for (size_t i = 0; i < told; i++) {
        const char *name =
            reinterpret_cast<const char *>(names.header().data) + i * ETH_GSTRING_LEN;
        counters[{name, strnlen(name, ETH_GSTRING_LEN)}] = values.header().data[i];
    }
    return counters;
}
