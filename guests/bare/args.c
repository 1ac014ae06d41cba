#include "args.h"
#include "layout.h"

#define WORD_BYTES 64

static struct args args;

/* No pointers in initialised data: the image is not relocated. */
static const struct {
  char key[12];
  u32 at;
  u64 least, most;
} numbers[] = {
#define NUMBER(key, least, most) {#key, offsetof(struct args, key), least, most}
    NUMBER(reads, 0, 1u << 30),
    NUMBER(writes, 0, 1u << 30),
    NUMBER(size, 512, 1u << 20),
    NUMBER(sector, 0, 1ull << 40),
    NUMBER(depth, 1, 64),
    NUMBER(poll, 0, 1),
    NUMBER(event_idx, 0, 1),
    NUMBER(indirect, 0, 1),
    NUMBER(vcpus, 1, MAX_CPUS),
    NUMBER(peeks, 0, 1u << 30),
    NUMBER(reboots, 0, 1000),
    NUMBER(disk, 0, 31),
    NUMBER(seed, 0, ~0ull),
    NUMBER(timeout, 1, 3600),
    NUMBER(check, 0, 0xffffffff),
    NUMBER(rounds, 1, 1u << 30),
    NUMBER(gap, 0, 1000000000),
    NUMBER(sleep, 0, 1),
};

static const char benches[][12] = {"none", "ioreq", "spin", "hypercall", "vgic", "eoi", "ipi", "timer", "evtchn", "blk", "irq", "native", "core", "walk"};
static const char endings[][8] = {"off", "reboot", "hang", "fault", "hole"};

/* Decimal, or hexadecimal after 0x; false when it is no number or too large. */
static bool parse_number(const char *text, u64 *value) {
  u32 base = 10;
  if (text[0] == '0' && text[1] == 'x') base = 16, text += 2;
  if (*text == 0) return false;
  for (*value = 0; *text != 0; text++) {
    u32 lower = (u8)*text | 0x20;
    bool letter = lower >= 'a' && lower <= 'f';
    u32 digit = *text >= '0' && *text <= '9' ? (u32)(*text - '0') : letter ? lower - 'a' + 10 : 99;
    if (digit >= base || *value > (~0ull - digit) / base) return false;
    *value = *value * base + digit;
  }
  return true;
}

/* True if the word was one of ours. */
static bool take(const char *key, const char *text) {
  if (same_text(key, "console")) return true; /* see args_hvc */
  if (same_text(key, "disk") && same_text(text, "none")) {
    args.disk = NO_DISK;
    return true;
  }
  for (u32 i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    if (!same_text(key, numbers[i].key)) continue;
    u64 value = 0;
    if (!parse_number(text, &value) || value < numbers[i].least || value > numbers[i].most) {
      fail("%s=%s: not a number from %lu to %lu", key, text, numbers[i].least, numbers[i].most);
    }
    *(u64 *)((u8 *)&args + numbers[i].at) = value;
    return true;
  }
  if (same_text(key, "bench")) {
    for (u32 i = 0; i < sizeof benches / sizeof benches[0]; i++) {
      if (!same_text(text, benches[i])) continue;
      args.bench = (enum bench)i;
      return true;
    }
    fail("bench=%s: no such program", text);
  }
  if (!same_text(key, "end")) return false;
  for (u32 i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    if (same_text(text, endings[i])) {
      args.end = (enum ending)i;
      return true;
    }
  }
  fail("end=%s: not off, reboot, hang, fault or hole", text);
}

/* Takes the next word off the text; false at its end. Longer words are cut. */
static bool next_word(const char **text, char word[WORD_BYTES]) {
  u32 n = 0;
  while (**text == ' ') (*text)++;
  for (; **text != 0 && **text != ' '; (*text)++) {
    if (n < WORD_BYTES - 1) word[n++] = **text;
  }
  word[n] = 0;
  return n > 0;
}

bool args_hvc(const char *text) {
  char word[WORD_BYTES];
  bool hvc = false;
  while (next_word(&text, word)) {
    if (memcmp(word, "console=", 8) == 0) hvc = memcmp(word + 8, "hvc", 3) == 0;
  }
  return hvc;
}

struct args args_parse(const char *text, u32 cpus) {
  args = (struct args){.reads = 64, .writes = 16, .size = 4096, .depth = 1, .event_idx = 1, .indirect = 1,
                       .vcpus = cpus, .peeks = 16, .seed = 1, .timeout = 10, .check = NO_CHECK, .rounds = 100};
  char word[WORD_BYTES];
  while (next_word(&text, word)) {
    u32 equals = 0;
    while (word[equals] != 0 && word[equals] != '=') equals++;
    bool pair = word[equals] == '=';
    word[equals] = 0;
    if (!(pair && take(word, word + equals + 1))) {
      say("bare: ignored: %s%s%s\n", word, pair ? "=" : "", pair ? word + equals + 1 : "");
    }
  }
  if (args.size % 512 != 0) fail("size=%lu: not a multiple of 512", args.size);
  return args;
}
