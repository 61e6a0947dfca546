//! What a control group is: a service of systemd, a container, or a folder of such. Its path tells.

/// What a group holds that people have a name for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A service, or all that one user runs, by its name.
    Service(Vec<u8>),
    /// A container that its engine knows by 64 hexadecimal digits.
    Container(Vec<u8>),
    /// A container or virtual machine that has a name.
    Machine(Vec<u8>),
}

/// Hexadecimal digits of a container's number.
const ID_DIGITS: usize = 64;

/// What the group of that name is, in a group of the other name; nothing where it only holds others.
pub(crate) fn classify(parent: &[u8], name: &[u8]) -> Option<Unit> {
    if let Some(service) = name.strip_suffix(b".service") {
        return (!service.is_empty()).then(|| Unit::Service(unescape(service)));
    }
    let scope = name.strip_suffix(b".scope");
    if let Some(machine) = scope.and_then(|scope| scope.strip_prefix(b"machine-")) {
        return Some(Unit::Machine(unescape(machine)));
    }
    if let Some(machine) = name.strip_prefix(b"lxc.payload.") {
        return Some(Unit::Machine(machine.to_vec()));
    }
    if parent == b"lxc" && !name.is_empty() {
        return Some(Unit::Machine(name.to_vec()));
    }
    let is_user = name.strip_prefix(b"user-").and_then(|rest| rest.strip_suffix(b".slice"));
    if is_user.is_some_and(|uid| !uid.is_empty() && uid.iter().all(u8::is_ascii_digit)) {
        return Some(Unit::Service(name.to_vec()));
    }
    container(scope.unwrap_or(name)).map(|id| Unit::Container(id.to_vec()))
}

/// `docker-ID`, `libpod-ID`, `cri-containerd-ID`, `crio-ID`, `…:cri-containerd:ID` or the number alone.
fn container(name: &[u8]) -> Option<&[u8]> {
    let (before, id) = name.split_at_checked(name.len().checked_sub(ID_DIGITS)?)?;
    let is_id = id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_engine = before.is_empty() || before.ends_with(b"-") || before.ends_with(b":");
    // The program that watches a container is not what runs in it.
    (is_id && is_engine && !before.ends_with(b"conmon-")).then_some(id)
}

/// Whether there can be containers or services below such a group.
pub(crate) fn has_others(unit: Option<&Unit>, name: &[u8]) -> bool {
    match unit {
        None => !name.ends_with(b".scope") && !name.ends_with(b".mount") && !name.ends_with(b".socket"),
        Some(Unit::Service(_)) => true,
        Some(Unit::Container(_) | Unit::Machine(_)) => false,
    }
}

/// systemd writes odd bytes of a name as `\x2d`.
fn unescape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((byte, after)) = rest.split_first() {
        let (decoded, after) = escaped(rest).unwrap_or((*byte, after));
        out.push(decoded);
        rest = after;
    }
    out
}

fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'\\', b'x', high, low, rest @ ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(high)? * 16 + digit(low)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100";

    #[test]
    fn groups_are_known_by_their_names() {
        let service = |name: &str| Some(Unit::Service(name.into()));
        let machine = |name: &str| Some(Unit::Machine(name.into()));
        let container = || Some(Unit::Container(ID.into()));
        let check = |parent: &str, name: &str, expected| {
            assert_eq!(classify(parent.as_bytes(), name.as_bytes()), expected, "{parent}/{name}");
        };
        check("system.slice", "nginx.service", service("nginx"));
        check("system-getty.slice", "getty@tty1.service", service("getty@tty1"));
        check(
            "system.slice",
            r"systemd-fsck@dev-disk-by\x2duuid.service",
            service("systemd-fsck@dev-disk-by-uuid"),
        );
        check("user.slice", "user-1000.slice", service("user-1000.slice"));
        check("system.slice", &format!("docker-{ID}.scope"), container());
        check("docker", ID, container());
        check("pod1b2c", &format!("cri-containerd-{ID}.scope"), container());
        check("machine.slice", &format!("libpod-{ID}.scope"), container());
        check("x", &format!("kubepods-besteffort-pod1.slice:cri-containerd:{ID}"), container());
        check("machine.slice", &format!("libpod-conmon-{ID}.scope"), None);
        check("", "lxc.payload.web", machine("web"));
        check("lxc", "web", machine("web"));
        check("machine.slice", r"machine-qemu\x2d1\x2ddb.scope", machine("qemu-1-db"));
        for name in
            ["system.slice", "init.scope", "session-3.scope", "kubepods.slice", "user-.slice", ".service", ""]
        {
            check("", name, None);
        }
        check("docker", &ID.to_uppercase(), None);
        check("docker", &ID[1..], None);
    }

    #[test]
    fn names_are_decoded() {
        assert_eq!(unescape(br"a\x2db\x2f\xzz\x"), br"a-b/\xzz\x");
        assert_eq!(unescape(br"\xff"), b"\xff");
    }
}
