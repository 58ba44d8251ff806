/* A long, slow link between the hosts of the lab, where the kernel has no netem: one TUN device in each namespace, and
 * this process between them.
 *
 *   relay DELAY_US LOSS_PPM SITE_KBIT NAMESPACE=SITE=ADDRESS=HOST_KBIT...        (rates: 0 = no limit)
 *
 * A packet waits for its host's uplink, and if it leaves its site for the site's uplink and then for the delay. A rate
 * keeps the order of what passes it, and the delay is the same for all: so two queues for each host, one for its own site
 * and one for the others, are in the order of time, and the next packet due is at the head of one of them.
 *
 * It says "ready" when all devices are there. Each line on its input is answered with one of JSON: bytes sent by host,
 * bytes from site to site, packets lost to chance and to full queues. It ends when its input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
  MOST_HOSTS = 32,
  MOST_SITES = 8,
  MOST_BYTES = 9000,    /* of a packet; the devices' MTU lies below */
  SLOTS = 1 << 15,      /* packets under way in one queue */
  AT_A_TIME = 32,       /* packets taken from one host before the next has its turn */
  MOST_WAITING_US = 100000 /* a router's buffer: what would wait longer for a rate is dropped */
};

typedef struct { int64_t due_us; int to, bytes; unsigned char *data; } Packet;
typedef struct { Packet slot[SLOTS]; unsigned head, tail; } Queue;
typedef struct { double us_per_byte, free_us; } Rate;
typedef struct { int fd, site; in_addr_t address; Rate uplink; uint64_t sent; Queue near, far; } Host;

static Host *hosts[MOST_HOSTS];
static Rate site_uplink[MOST_SITES];
static uint64_t between[MOST_SITES][MOST_SITES], unlucky, overflown;
static int host_count, site_count;
static int64_t delay_us;
static double loss;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static Rate rate_of(double kbit) { return (Rate){.us_per_byte = kbit > 0 ? 8000 / kbit : 0}; }

/* When the last byte has passed, or -1 where the buffer before it is full. */
static int64_t pass(Rate *rate, int64_t at_us, int bytes) {
  if (rate->us_per_byte == 0) return at_us;
  double begin = rate->free_us > at_us ? rate->free_us : at_us;
  if (begin - at_us > MOST_WAITING_US) return -1;
  rate->free_us = begin + rate->us_per_byte * bytes;
  return (int64_t)rate->free_us;
}

/* The device is made in the namespace and stays there; its descriptor serves from anywhere. */
static int device_in(const char *namespace) {
  char path[128];
  snprintf(path, sizeof path, "/run/netns/%s", namespace);
  int entry = open(path, O_RDONLY | O_CLOEXEC);
  if (entry < 0 || setns(entry, CLONE_NEWNET)) fail(path);
  close(entry);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq request = {.ifr_name = "far0", .ifr_flags = IFF_TUN | IFF_NO_PI};
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request)) fail("/dev/net/tun");
  return fd;
}

static void add_host(char *words) {
  char *namespace = strtok(words, "="), *site = strtok(NULL, "="), *address = strtok(NULL, "="), *kbit = strtok(NULL, "=");
  if (kbit == NULL || host_count == MOST_HOSTS || atoi(site) >= MOST_SITES) {
    fprintf(stderr, "relay: no such host, or too many: %s\n", words);
    exit(2);
  }
  Host *host = calloc(1, sizeof *host);
  if (host == NULL) fail("memory");
  host->fd = device_in(namespace);
  host->site = atoi(site);
  host->address = inet_addr(address);
  host->uplink = rate_of(atof(kbit));
  if (host->site >= site_count) site_count = host->site + 1;
  hosts[host_count++] = host;
}

static int host_at(in_addr_t address) {
  for (int i = 0; i < host_count; i++)
    if (hosts[i]->address == address) return i;
  return -1;
}

static void route(Host *from, const unsigned char *data, int bytes) {
  in_addr_t address;
  memcpy(&address, data + 16, sizeof address);
  int to = data[0] >> 4 == 4 ? host_at(address) : -1; /* IPv6 only announces itself here */
  if (to < 0) return;
  int far = from->site != hosts[to]->site;
  int64_t due = pass(&from->uplink, now_us(), bytes);
  if (far && due >= 0) due = pass(&site_uplink[from->site], due, bytes);
  Queue *queue = far ? &from->far : &from->near;
  if (due < 0 || queue->tail - queue->head == SLOTS) {
    overflown++;
    return;
  }
  from->sent += (uint64_t)bytes;
  between[from->site][hosts[to]->site] += (uint64_t)bytes;
  if (far && drand48() < loss) {
    unlucky++;
    return;
  }
  Packet *packet = &queue->slot[queue->tail++ % SLOTS];
  *packet = (Packet){.due_us = due + (far ? delay_us : 0), .to = to, .bytes = bytes, .data = malloc((size_t)bytes)};
  if (packet->data == NULL) fail("memory");
  memcpy(packet->data, data, (size_t)bytes);
}

static Queue *earliest(void) {
  Queue *first = NULL;
  for (int i = 0; i < 2 * host_count; i++) {
    Queue *queue = i % 2 ? &hosts[i / 2]->far : &hosts[i / 2]->near;
    if (queue->head == queue->tail) continue;
    if (first == NULL || queue->slot[queue->head % SLOTS].due_us < first->slot[first->head % SLOTS].due_us) first = queue;
  }
  return first;
}

/* Delivers what is due; microseconds until the next is, or -1. */
static int64_t deliver(void) {
  for (;;) {
    Queue *queue = earliest();
    if (queue == NULL) return -1;
    Packet *packet = &queue->slot[queue->head % SLOTS];
    int64_t left = packet->due_us - now_us();
    if (left > 0) return left;
    if (write(hosts[packet->to]->fd, packet->data, (size_t)packet->bytes) < 0) overflown++;
    free(packet->data);
    queue->head++;
  }
}

static void report(void) {
  printf("{\"sent\":[");
  for (int i = 0; i < host_count; i++) printf("%s%llu", i ? "," : "", (unsigned long long)hosts[i]->sent);
  printf("],\"between\":[");
  for (int a = 0; a < site_count; a++)
    for (int b = 0; b < site_count; b++)
      printf("%s%llu%s", b ? "," : a ? ",[" : "[", (unsigned long long)between[a][b], b == site_count - 1 ? "]" : "");
  printf("],\"unlucky\":%llu,\"overflown\":%llu}\n", (unsigned long long)unlucky, (unsigned long long)overflown);
  fflush(stdout);
}

static void take_from(Host *host) {
  unsigned char data[MOST_BYTES];
  for (int i = 0; i < AT_A_TIME; i++) {
    int bytes = (int)read(host->fd, data, sizeof data);
    if (bytes < 20) return;
    route(host, data, bytes);
  }
}

int main(int argc, char **argv) {
  if (argc < 5) return fprintf(stderr, "usage: see the top of relay.c\n"), 2;
  delay_us = atoll(argv[1]);
  loss = atof(argv[2]) / 1e6;
  for (int i = 4; i < argc; i++) add_host(argv[i]);
  for (int site = 0; site < site_count; site++) site_uplink[site] = rate_of(atof(argv[3]));
  srand48(1); /* the same luck in each run */
  printf("ready\n");
  fflush(stdout);
  struct pollfd awaited[MOST_HOSTS + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
  for (int i = 0; i < host_count; i++) awaited[i + 1] = (struct pollfd){.fd = hosts[i]->fd, .events = POLLIN};
  for (;;) {
    int64_t left = deliver();
    struct timespec wait = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
    if (ppoll(awaited, (nfds_t)host_count + 1, left < 0 ? NULL : &wait, NULL) < 0) fail("ppoll");
    char line[64];
    if (awaited[0].revents) {
      if (read(STDIN_FILENO, line, sizeof line) <= 0) return 0;
      report();
    }
    for (int i = 0; i < host_count; i++)
      if (awaited[i + 1].revents & POLLIN) take_from(hosts[i]);
  }
}
