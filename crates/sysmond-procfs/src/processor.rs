//! The processor's name, from `/proc/cpuinfo`, which has another shape on each architecture.

use crate::text::{hexadecimal, lines, lossy, split_once};

/// Kinds of cores in one machine that are named: no machine has more than three today.
const MAX_KINDS: usize = 4;

/// Keys that hold a name, best first: `x86` and newer 32-bit ARM, `LoongArch`, MIPS, RISC-V, POWER and SPARC, old ARM.
const NAMES: [&[u8]; 6] = [b"model name", b"Model Name", b"cpu model", b"uarch", b"cpu", b"Processor"];
/// Keys that hold the machine's name, where nothing says what the processor is: ARM boards, s390.
const MACHINES: [&[u8]; 3] = [b"Model", b"Hardware", b"vendor_id"];

/// The processor's name, or nothing where the text has none.
pub(crate) fn model(text: &[u8]) -> Option<String> {
    let pairs = || lines(text).filter_map(|line| split_once(line, b':'));
    let first = |wanted: &[u8]| {
        let is_wanted =
            |(key, value): &(&[u8], &[u8])| key.trim_ascii() == wanted && !value.trim_ascii().is_empty();
        pairs().find(is_wanted).map(|(_, value)| value)
    };
    let name = NAMES.iter().find_map(|key| first(key)).map(tidy);
    name.or_else(|| arm_cores(pairs())).or_else(|| MACHINES.iter().find_map(|key| first(key)).map(tidy))
}

/// With one space between words: some vendors fill their names to a fixed length.
fn tidy(name: &[u8]) -> String {
    lossy(name).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// 64-bit ARM gives numbers, for each core: `CPU implementer : 0x41` and `CPU part : 0xd0c`.
fn arm_cores<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Option<String> {
    let mut implementer = None;
    let mut kinds: Vec<String> = Vec::new();
    for (key, value) in pairs {
        match key.trim_ascii() {
            b"CPU implementer" => implementer = hexadecimal(value.trim_ascii()),
            b"CPU part" => {
                let (Some(implementer), Some(part)) = (implementer, hexadecimal(value.trim_ascii())) else {
                    continue;
                };
                let kind = arm_core(implementer, part);
                if !kinds.contains(&kind) && kinds.len() < MAX_KINDS {
                    kinds.push(kind);
                }
            }
            _ => {}
        }
    }
    (!kinds.is_empty()).then(|| kinds.join(" + "))
}

fn arm_core(implementer: u32, part: u32) -> String {
    let known = ARM_CORES.iter().find(|(of, number, _)| (*of, *number) == (implementer, part));
    match (known, ARM_IMPLEMENTERS.iter().find(|(of, _)| *of == implementer)) {
        (Some((.., core)), Some((_, name))) => format!("{name} {core}"),
        (None, Some((_, name))) => format!("{name} part {part:#x}"),
        _ => format!("ARM implementer {implementer:#x} part {part:#x}"),
    }
}

const ARM_IMPLEMENTERS: [(u32, &str); 12] = [
    (0x41, "ARM"),
    (0x42, "Broadcom"),
    (0x43, "Cavium"),
    (0x46, "Fujitsu"),
    (0x48, "HiSilicon"),
    (0x4e, "NVIDIA"),
    (0x50, "APM"),
    (0x51, "Qualcomm"),
    (0x61, "Apple"),
    (0x6d, "Microsoft"),
    (0x70, "Phytium"),
    (0xc0, "Ampere"),
];

/// Cores of servers and of the boards that people run servers on.
const ARM_CORES: [(u32, u32, &str); 42] = [
    (0x41, 0xb76, "ARM1176"),
    (0x41, 0xc07, "Cortex-A7"),
    (0x41, 0xc08, "Cortex-A8"),
    (0x41, 0xc09, "Cortex-A9"),
    (0x41, 0xc0f, "Cortex-A15"),
    (0x41, 0xd03, "Cortex-A53"),
    (0x41, 0xd04, "Cortex-A35"),
    (0x41, 0xd05, "Cortex-A55"),
    (0x41, 0xd07, "Cortex-A57"),
    (0x41, 0xd08, "Cortex-A72"),
    (0x41, 0xd09, "Cortex-A73"),
    (0x41, 0xd0a, "Cortex-A75"),
    (0x41, 0xd0b, "Cortex-A76"),
    (0x41, 0xd0c, "Neoverse-N1"),
    (0x41, 0xd0d, "Cortex-A77"),
    (0x41, 0xd40, "Neoverse-V1"),
    (0x41, 0xd41, "Cortex-A78"),
    (0x41, 0xd42, "Cortex-A78AE"),
    (0x41, 0xd44, "Cortex-X1"),
    (0x41, 0xd46, "Cortex-A510"),
    (0x41, 0xd47, "Cortex-A710"),
    (0x41, 0xd48, "Cortex-X2"),
    (0x41, 0xd49, "Neoverse-N2"),
    (0x41, 0xd4a, "Neoverse-E1"),
    (0x41, 0xd4d, "Cortex-A715"),
    (0x41, 0xd4e, "Cortex-X3"),
    (0x41, 0xd4f, "Neoverse-V2"),
    (0x41, 0xd80, "Cortex-A520"),
    (0x41, 0xd81, "Cortex-A720"),
    (0x41, 0xd84, "Neoverse-V3"),
    (0x41, 0xd8e, "Neoverse-N3"),
    (0x43, 0x0a1, "ThunderX"),
    (0x43, 0x0af, "ThunderX2"),
    (0x46, 0x001, "A64FX"),
    (0x48, 0xd01, "TaiShan v110"),
    (0x4e, 0x004, "Carmel"),
    (0x50, 0x000, "X-Gene"),
    (0x51, 0xc00, "Falkor"),
    (0x61, 0x022, "M1 Icestorm"),
    (0x61, 0x023, "M1 Firestorm"),
    (0x6d, 0xd49, "Azure Cobalt 100"),
    (0xc0, 0xac3, "Ampere-1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_architecture_has_a_name() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(model(text.as_bytes()).as_deref(), expected);
        check(
            "processor\t: 0\nmodel\t: 167\nmodel name\t: Intel(R)   Xeon(R) Processor \n",
            Some("Intel(R) Xeon(R) Processor"),
        );
        check(
            "processor\t: 0\nmodel name\t: ARMv7 Processor rev 4 (v7l)\nHardware\t: BCM2835\n",
            Some("ARMv7 Processor rev 4 (v7l)"),
        );
        check("Processor\t: ARM926EJ-S rev 5 (v5l)\n", Some("ARM926EJ-S rev 5 (v5l)"));
        check("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n", Some("POWER9, altivec supported"));
        check("processor\t: 0\nhart\t: 1\nuarch\t: sifive,u74-mc\n", Some("sifive,u74-mc"));
        check("vendor_id       : IBM/S390\n", Some("IBM/S390"));
        check("", None);
        check("model name\t: \n", None);
    }

    #[test]
    fn arm_numbers_become_names() {
        let core = |implementer, part| {
            format!("CPU implementer\t: {implementer}\nCPU architecture: 8\nCPU part\t: {part}\n\n")
        };
        let check =
            |text: String, expected: &str| assert_eq!(model(text.as_bytes()).as_deref(), Some(expected));
        check(core("0x41", "0xd0c").repeat(64), "ARM Neoverse-N1");
        check(core("0x41", "0xd05") + &core("0x41", "0xd0b"), "ARM Cortex-A55 + ARM Cortex-A76");
        check(core("0x41", "0xfff"), "ARM part 0xfff");
        check(core("0x99", "0x1"), "ARM implementer 0x99 part 0x1");
        check(
            core("0x41", "0xd08") + "Hardware\t: BCM2711\nModel\t: Raspberry Pi 4 Model B\n",
            "ARM Cortex-A72",
        );
    }
}
