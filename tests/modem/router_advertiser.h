// SPDX-License-Identifier: GPL-2.0
// The router's side of neighbour discovery: answers solicitations for routers and neighbours.
#pragma once

#include "ip_output.h"
#include "qmi_server.h"

namespace vmodem::ip {

class RouterAdvertiser {
  public:
    RouterAdvertiser(const PdnAddressing &addressing, Output &output);

    // To all nodes; the same to the solicitor alone.
    void advertise();
    // ICMPv6 packets whose checksum is right; true if it sent an advertisement.
    bool receive_router_solicitation(const Packet &packet);
    bool receive_neighbour_solicitation(const Packet &packet);
    // fe80::/64 and the gateway's interface identifier: a router speaks from there.
    const Address &link_local() const { return link_local_; }

  private:
    void advertise_to(const Address &destination, bool ethernet);

    PdnAddressing addressing_;
    Output &output_;
    Address link_local_;
};

} // namespace vmodem::ip
