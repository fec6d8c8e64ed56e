// SPDX-License-Identifier: GPL-2.0
/* napi_build_skb(), 5.12. */
#include <linux/skbuff.h>

#ifdef PROBE_NEW
struct sk_buff *(*probe)(void *, unsigned int) = napi_build_skb;
#else
int napi_build_skb;
#endif
