// SPDX-License-Identifier: GPL-2.0
// What the traffic goes over: the PDNs of a module, dialled, or a dummy netdev in its place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

// A netdev and the addresses behind it. In host byte order.
struct Path {
    std::string netdev;
    uint32_t peer;       // an address that the module answers for
    uint32_t black_hole; // the module takes what goes there, and does not answer
    bool answers;        // false: there is no module
};

class Link {
  public:
    virtual ~Link() = default;
    virtual const std::vector<Path> &paths() const = 0;
};

// Waits for the driver's netdev and dials that many PDNs. Throws what the dialler does, and
// std::runtime_error.
std::unique_ptr<Link> dial(unsigned pdns);
std::unique_ptr<Link> dummy();

// fq_codel is what Debian gives a netdev. Where the guest's clock is not the module's, it has to
// keep its hands off what to it has been waiting for long. And nothing overtakes: see pace.h.
void be_patient(const Path &path);

// Throws std::runtime_error if a netdev of these says that it has dropped something.
void expect_no_drops(const std::vector<Path> &paths);

// Runs a shell command that must succeed.
void run(const std::string &command);

} // namespace bench
