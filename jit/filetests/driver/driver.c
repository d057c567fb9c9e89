/* Runs traces' machine code on a processor the test program does not run on.
 *
 * Standard input has requests, standard output the answers, all in 64-bit words of the machine's byte order, which is
 * little-endian on both sides.
 *
 * first answer: number of functions, then for each its name in 32 bytes, its address, that of its entry for arrays or 0
 * request:      bytes of code, slots, buffers; per slot the number of a buffer or ~0, and an offset or the value;
 *               per buffer its length and bytes; the code
 * answer:       what the code returned, the slots; per buffer its address, whether its surroundings are damaged, its
 *               bytes; the number of calls of test.note and their arguments
 *
 * Buffers end at a page that cannot be touched. src/externs.rs has the same functions.
 */
#define _DEFAULT_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_NOTES = 1 << 16, PATTERN = 0xa5 };
static uint64_t notes[MAX_NOTES];
static size_t noted;

static double add(double a, double b) { return a + b; }
static double half(double x) { return x * 0.5; }
static void half_tile(size_t n, const double *x, double *out) {
    for (size_t i = 0; i < n; i++) out[i] = half(x[i]);
}
static float scale(float x, int32_t n) { return x * (float)n; }
static void scale_tile(size_t n, const float *x, const int32_t *by, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = scale(x[i], by[i]);
}
static int16_t narrow(int8_t a, uint16_t b, bool flag) {
    return flag ? (int16_t)(uint16_t)((uint16_t)a + b) : -1;
}
static double many(int64_t a, double x, uint8_t b, float y, int32_t c, double z, int64_t d, int64_t e) {
    return (double)a + 2.0 * x + 3.0 * b + 4.0 * (double)y + 5.0 * c + 6.0 * z + 7.0 * (double)d + 8.0 * (double)e;
}
static bool odd(int64_t n) { return n & 1; }
static void note(int64_t n) {
    if (noted < MAX_NOTES) notes[noted++] = (uint64_t)n;
}
static double get(const void *p) {
    double x;
    memcpy(&x, p, sizeof x);
    return x;
}
static void put(void *p, double x) { memcpy(p, &x, sizeof x); }

typedef void (*function)(void);
static const struct {
    char name[32];
    function addr, tile;
} table[] = {
    {"test.add", (function)add, NULL},       {"test.half", (function)half, (function)half_tile},
    {"test.many", (function)many, NULL},     {"test.scale", (function)scale, (function)scale_tile},
    {"test.narrow", (function)narrow, NULL}, {"test.odd", (function)odd, NULL},
    {"test.note", (function)note, NULL},     {"test.get", (function)get, NULL},
    {"test.put", (function)put, NULL},
};

static void receive(void *to, size_t n) {
    if (fread(to, 1, n, stdin) != n) exit(feof(stdin) ? 0 : 1);
}
static void send_bytes(const void *from, size_t n) {
    if (fwrite(from, 1, n, stdout) != n) exit(1);
}
static uint64_t receive_word(void) {
    uint64_t word;
    receive(&word, sizeof word);
    return word;
}
static void send_word(uint64_t word) { send_bytes(&word, sizeof word); }

static size_t pages(size_t n) { return (n + 4096) & ~(size_t)4095; }

/* Memory that can be touched, before a page that cannot. */
static unsigned char *map(size_t n) {
    unsigned char *p = mmap(NULL, n + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + n, 4096, PROT_NONE)) exit(2);
    return p;
}

struct buffer {
    unsigned char *pages, *start;
    size_t size, length;
};

int main(void) {
    size_t count = sizeof table / sizeof *table;
    send_word(count);
    for (size_t i = 0; i < count; i++) {
        send_bytes(table[i].name, sizeof table[i].name);
        send_word((uint64_t)(uintptr_t)table[i].addr);
        send_word((uint64_t)(uintptr_t)table[i].tile);
    }
    fflush(stdout);
    for (;;) {
        size_t code_length = receive_word(), slot_count = receive_word(), buffer_count = receive_word();
        uint64_t *which = calloc(slot_count + 1, 8), *slots = calloc(slot_count + 1, 8);
        struct buffer *buffers = calloc(buffer_count + 1, sizeof *buffers);
        if (!which || !slots || !buffers) exit(2);
        for (size_t i = 0; i < slot_count; i++) {
            which[i] = receive_word();
            slots[i] = receive_word();
        }
        for (size_t i = 0; i < buffer_count; i++) {
            struct buffer *b = &buffers[i];
            b->length = receive_word();
            b->size = pages(b->length);
            b->pages = map(b->size);
            b->start = b->pages + b->size - b->length;
            memset(b->pages, PATTERN, b->size - b->length);
            receive(b->start, b->length);
        }
        for (size_t i = 0; i < slot_count; i++)
            if (which[i] < buffer_count) slots[i] += (uint64_t)(uintptr_t)buffers[which[i]].start;
        size_t code_size = pages(code_length);
        unsigned char *code = map(code_size);
        receive(code, code_length);
        __builtin___clear_cache((char *)code, (char *)code + code_length);
        if (mprotect(code, code_size, PROT_READ | PROT_EXEC)) exit(2);

        noted = 0;
        send_word(((uint32_t(*)(uint64_t *))code)(slots));
        send_bytes(slots, slot_count * 8);
        for (size_t i = 0; i < buffer_count; i++) {
            struct buffer *b = &buffers[i];
            uint64_t damaged = 0;
            for (unsigned char *p = b->pages; p < b->start; p++) damaged |= *p != PATTERN;
            send_word((uint64_t)(uintptr_t)b->start);
            send_word(damaged);
            send_bytes(b->start, b->length);
            munmap(b->pages, b->size + 4096);
        }
        send_word(noted);
        send_bytes(notes, noted * 8);
        fflush(stdout);
        munmap(code, code_size + 4096);
        free(which);
        free(slots);
        free(buffers);
    }
}
