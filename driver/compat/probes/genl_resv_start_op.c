// SPDX-License-Identifier: GPL-2.0
/* genl_family::resv_start_op, 6.1. */
#include <net/genetlink.h>

#ifdef PROBE_NEW
unsigned int probe(struct genl_family *family)
{
	return family->resv_start_op;
}
#else
struct probe {
	struct genl_family;
	int resv_start_op;
};
#endif
