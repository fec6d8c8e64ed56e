// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "context.h"
#include "json.h"

// What a command that sets prints when it is done: with --json the module and `what`, in a dry run
// a sentence, "would " and `deed`; else nothing.
void print_change(const Context &context, const Module &module, const Json &what,
                  const std::string &deed);
