// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for received packets: a ring of single pages that are used again.
 *
 * Each packet takes as much of a page as it needs, and a reference to it. When
 * the ring has come round and nobody holds a page any more, it is carved up
 * anew: it need not be allocated, nor cleared, as many kernels clear what they
 * allocate. A page that is still held is left to its holders, who free it.
 * As no page is larger than it must be, what a held packet pins is small.
 */
#include "qmiq.h"

/* Whether @page is the ring's alone, and no emergency reserve. */
static bool qmiq_page_is_free(struct page *page)
{
	return page_ref_count(page) == 1 && !page_is_pfmemalloc(page);
}

/* Makes ring[at] a page that nobody else holds. */
static bool qmiq_pages_renew(struct qmiq_pages *pages)
{
	struct page **page = &pages->ring[pages->at];

	if (*page && likely(qmiq_page_is_free(*page)))
		return true;
	if (*page)
		put_page(*page);
	*page = dev_alloc_page();
	return *page;
}

/**
 * qmiq_pages_take() - memory for a packet
 * @pages: a ring
 * @size: bytes, up to PAGE_SIZE
 *
 * Context: NAPI.
 * Return: the memory, aligned to SMP_CACHE_BYTES, with a reference to its page
 * (virt_to_page()) for the caller; NULL if there is none.
 */
void *qmiq_pages_take(struct qmiq_pages *pages, unsigned int size)
{
	struct page *page;
	void *memory;

	pages->used = SKB_DATA_ALIGN(pages->used);
	if (pages->used + size > PAGE_SIZE) {
		pages->at = pages->at + 1 < pages->count ? pages->at + 1 : 0;
		pages->used = 0;
	}
	if (!pages->used && unlikely(!qmiq_pages_renew(pages)))
		return NULL;
	page = pages->ring[pages->at];
	memory = page_address(page) + pages->used;
	pages->used += size;
	get_page(page);
	return memory;
}

/**
 * qmiq_pages_extend() - more memory right behind what was taken
 * @pages: a ring
 * @end: of what one qmiq_pages_take() gave, and then this
 * @size: bytes wanted
 *
 * Context: NAPI.
 * Return: bytes that there are for the caller behind @end; 0 if others have
 * taken them, or the page is full.
 */
unsigned int qmiq_pages_extend(struct qmiq_pages *pages, const void *end,
			       unsigned int size)
{
	if (!pages->used ||
	    end != page_address(pages->ring[pages->at]) + pages->used)
		return 0;
	size = min_t(unsigned int, size, PAGE_SIZE - pages->used);
	pages->used += size;
	return size;
}

/**
 * qmiq_pages_init() - make a ring, without pages yet
 * @pages: zeroed
 * @size: bytes of all pages
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int qmiq_pages_init(struct qmiq_pages *pages, unsigned int size)
{
	unsigned int count = max(2U, size / (unsigned int)PAGE_SIZE);

	pages->ring = kcalloc(count, sizeof(*pages->ring), GFP_KERNEL);
	if (!pages->ring)
		return -ENOMEM;
	pages->count = count;
	return 0;
}

/**
 * qmiq_pages_free() - undo qmiq_pages_init()
 * @pages: a ring, or zeroed
 *
 * Pages that packets hold are freed with them.
 *
 * Context: process; NAPI disabled.
 */
void qmiq_pages_free(struct qmiq_pages *pages)
{
	unsigned int i;

	for (i = 0; i < pages->count; i++)
		if (pages->ring[i])
			put_page(pages->ring[i]);
	kfree(pages->ring);
	memset(pages, 0, sizeof(*pages));
}
