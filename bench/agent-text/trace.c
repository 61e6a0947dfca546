/* Runs a program and writes down which of its functions ran: a breakpoint at the first byte of each, taken away when it
   is met. Linux on x86-64.

       trace ADDRESSES OUT SECONDS PROGRAM [ARGUMENT…]

   ADDRESSES has the functions' places in the file, hexadecimal, a line each; OUT gets those that were met. After
   SECONDS the program is asked to end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 200000, GRACE_SECONDS = 15, REST_MICROS = 300 };

struct place {
    unsigned long at;
    unsigned char byte;
    int is_met;
};

static struct place places[MOST];
static size_t count;

static int by_address(const void *a, const void *b) {
    unsigned long left = ((const struct place *)a)->at, right = ((const struct place *)b)->at;
    return left < right ? -1 : left > right;
}

static int read_places(const char *path) {
    FILE *file = fopen(path, "r");
    unsigned long at;
    if (!file) return 0;
    while (count < MOST && fscanf(file, "%lx", &at) == 1) places[count++].at = at;
    fclose(file);
    qsort(places, count, sizeof *places, by_address);
    /* Two names may be of one function. */
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || places[kept - 1].at != places[i].at) places[kept++] = places[i];
    count = kept;
    return count > 0;
}

/* Where the program lies in memory: the first line of its map. */
static unsigned long base_of(pid_t child) {
    char path[64];
    unsigned long base = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", child);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%lx", &base) != 1) base = 0;
    if (file) fclose(file);
    return base;
}

static void set(int memory, unsigned long at, unsigned char byte) {
    if (pwrite(memory, &byte, 1, (off_t)at) != 1) perror("trace: cannot write to the program");
}

/* A thread met a place: it goes on as if nothing had been there. Another may meet it at the same moment. */
static void meet(pid_t thread, int memory) {
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, thread, 0, &registers);
    struct place key = {.at = registers.rip - 1};
    struct place *met = bsearch(&key, places, count, sizeof *places, by_address);
    if (!met) return;
    if (!met->is_met) set(memory, met->at, met->byte);
    met->is_met = 1;
    registers.rip--;
    ptrace(PTRACE_SETREGS, thread, 0, &registers);
}

static void follow(pid_t child, int memory, time_t end) {
    int status, is_asked = 0;
    while (time(0) < end + GRACE_SECONDS) {
        pid_t thread = waitpid(-1, &status, __WALL | WNOHANG);
        if (thread < 0) return;
        if (thread == 0) {
            usleep(REST_MICROS);
            if (!is_asked && time(0) > end) is_asked = !kill(child, SIGTERM);
            continue;
        }
        if (!WIFSTOPPED(status)) {
            if (thread == child) return;
            continue;
        }
        int cause = WSTOPSIG(status), event = status >> 16;
        if (cause == SIGTRAP && !event) meet(thread, memory);
        int is_ours = cause == SIGTRAP || cause == SIGSTOP || event;
        ptrace(PTRACE_CONT, thread, 0, (void *)(long)(is_ours ? 0 : cause));
    }
}

int main(int argc, char **argv) {
    int status;
    char path[64];
    if (argc < 5 || !read_places(argv[1])) {
        fprintf(stderr, "usage: trace ADDRESSES OUT SECONDS PROGRAM [ARGUMENT…]\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(argv[4], argv + 4);
        _exit(127);
    }
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
    snprintf(path, sizeof path, "/proc/%d/mem", child);
    int memory = open(path, O_RDWR);
    unsigned long base = base_of(child);
    for (size_t i = 0; i < count; i++) {
        places[i].at += base;
        if (pread(memory, &places[i].byte, 1, (off_t)places[i].at) != 1) perror("trace: cannot read the program");
        set(memory, places[i].at, 0xcc);
    }
    ptrace(PTRACE_CONT, child, 0, 0);
    follow(child, memory, time(0) + atoi(argv[3]));
    FILE *out = fopen(argv[2], "w");
    if (!out) return 1;
    for (size_t i = 0; i < count; i++)
        if (places[i].is_met) fprintf(out, "%lx\n", places[i].at - base);
    return fclose(out) != 0;
}
