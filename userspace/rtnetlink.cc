// SPDX-License-Identifier: GPL-2.0
#include "rtnetlink.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <linux/if.h>
#include <map>
#include <memory>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>

namespace {

struct Delete {
    void operator()(nl_sock *socket) const { nl_socket_free(socket); }
    void operator()(nl_cache *cache) const { nl_cache_free(cache); }
    void operator()(rtnl_link *link) const { rtnl_link_put(link); }
};
template <typename T> using Owned = std::unique_ptr<T, Delete>;

tl::unexpected<Error> failed(const char *what, int code) {
    return failure(fmt::format("can't {}: {}", what, nl_geterror(code)), EIO);
}

Result<Owned<nl_sock>> connect() {
    Owned<nl_sock> socket(nl_socket_alloc());
    if (!socket)
        return failed("open a netlink socket", -NLE_NOMEM);
    if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0)
        return failed("open a netlink socket", error);
    return socket;
}

// Addresses as text, by ifindex.
Result<std::map<unsigned, std::vector<std::string>>> addresses(nl_sock *socket) {
    nl_cache *raw = nullptr;
    if (const int error = rtnl_addr_alloc_cache(socket, &raw); error < 0)
        return failed("list addresses", error);
    const Owned<nl_cache> cache(raw);
    std::map<unsigned, std::vector<std::string>> found;
    for (nl_object *object = nl_cache_get_first(raw); object; object = nl_cache_get_next(object)) {
        auto *address = reinterpret_cast<rtnl_addr *>(object);
        nl_addr *local = rtnl_addr_get_local(address);
        if (!local)
            continue;
        char text[128];
        nl_addr2str(local, text, sizeof(text));
        // libnl leaves out the length of a whole address.
        std::string shown(text);
        if (shown.find('/') == std::string::npos)
            shown += fmt::format("/{}", rtnl_addr_get_prefixlen(address));
        found[rtnl_addr_get_ifindex(address)].push_back(std::move(shown));
    }
    return found;
}

Counters counters(rtnl_link *link, rtnl_link_stat_id_t packets, rtnl_link_stat_id_t bytes,
                  rtnl_link_stat_id_t errors, rtnl_link_stat_id_t dropped) {
    return {rtnl_link_get_stat(link, packets), rtnl_link_get_stat(link, bytes),
            rtnl_link_get_stat(link, errors), rtnl_link_get_stat(link, dropped)};
}

void fill(Pdn &pdn, rtnl_link *link) {
    pdn.up = rtnl_link_get_flags(link) & IFF_UP;
    pdn.carrier = rtnl_link_get_carrier(link);
    pdn.mtu = rtnl_link_get_mtu(link);
    pdn.rx = counters(link, RTNL_LINK_RX_PACKETS, RTNL_LINK_RX_BYTES, RTNL_LINK_RX_ERRORS,
                      RTNL_LINK_RX_DROPPED);
    pdn.tx = counters(link, RTNL_LINK_TX_PACKETS, RTNL_LINK_TX_BYTES, RTNL_LINK_TX_ERRORS,
                      RTNL_LINK_TX_DROPPED);
}

} // namespace

Status read_links(std::vector<Module> &modules) {
    const Result<Owned<nl_sock>> socket = connect();
    if (!socket)
        return tl::unexpected(socket.error());
    nl_cache *raw = nullptr;
    if (const int error = rtnl_link_alloc_cache(socket->get(), AF_UNSPEC, &raw); error < 0)
        return failed("list netdevs", error);
    const Owned<nl_cache> links(raw);
    const auto found = addresses(socket->get());
    if (!found)
        return tl::unexpected(found.error());

    for (Module &module : modules) {
        if (const Owned<rtnl_link> link{rtnl_link_get(links.get(), int(module.ifindex))})
            module.up = rtnl_link_get_flags(link.get()) & IFF_UP;
        for (Pdn &pdn : module.pdns) {
            if (const Owned<rtnl_link> link{rtnl_link_get(links.get(), int(pdn.ifindex))})
                fill(pdn, link.get());
            if (const auto own = found->find(pdn.ifindex); own != found->end())
                pdn.addresses = own->second;
        }
    }
    return {};
}
