//! What a disk loses, and what it keeps.

use sarsen_storage::{Crash, Disk, DiskFile, FaultyDisk, FolderDisk};
use std::collections::BTreeSet;

/// Writes, syncs, writes more: 2,048 bytes of 1 are durable, the middle of them is overwritten by 2 up to behind
/// the end.
fn half_synced() -> FaultyDisk {
    let disk = FaultyDisk::new();
    let file = file(&disk);
    file.write_at(0, &[1; 2048]).unwrap();
    file.sync().unwrap();
    file.write_at(768, &[2; 2048]).unwrap();
    disk
}

fn file(disk: &FaultyDisk) -> Box<dyn DiskFile> {
    disk.open("file").unwrap()
}

fn bytes(disk: &FaultyDisk) -> Vec<u8> {
    disk.bytes("file")
}

fn names_and_bytes(disk: &dyn Disk) {
    assert!(disk.names("folder").unwrap().is_empty());
    for name in ["folder/a", "folder/b", "c"] {
        round_trip(&*disk.open(name).unwrap());
    }
    let mut names = disk.names("folder").unwrap();
    names.sort();
    assert_eq!(names, ["folder/a", "folder/b"]);
    disk.open("c").unwrap().write_at(0, b"x").unwrap();
    assert_eq!(disk.open("c").unwrap().len().unwrap(), 1, "it is the same file");
}

fn round_trip(disk: &dyn DiskFile) {
    disk.set_len(10).unwrap();
    disk.write_at(8, b"abcd").unwrap();
    assert_eq!((disk.len().unwrap(), disk.is_empty().unwrap()), (12, false));
    let mut bytes = [9; 5];
    disk.read_at(7, &mut bytes).unwrap();
    assert_eq!(&bytes, b"\0abcd");
    let behind = disk.read_at(8, &mut bytes).unwrap_err();
    assert_eq!(behind.kind(), std::io::ErrorKind::UnexpectedEof);
    disk.sync().unwrap();
    disk.set_len(0).unwrap();
    assert!(disk.is_empty().unwrap());
}

#[test]
fn files_and_faulty_disks_read_what_was_written() {
    names_and_bytes(&FaultyDisk::new());
    let directory = tempfile::tempdir().unwrap();
    names_and_bytes(&FolderDisk::new(directory.path()));
}

#[test]
fn a_kill_keeps_all_that_was_written_and_a_power_cut_after_it_still_takes_what_was_not_synced() {
    let disk = half_synced().after_kill();
    assert_eq!(bytes(&disk), bytes(&half_synced()));
    let sizes: BTreeSet<usize> = (0..100).map(|seed| bytes(&disk.after_power_cut(seed)).len()).collect();
    assert!(sizes.contains(&2048) && sizes.contains(&2816), "{sizes:?}");
}

#[test]
fn a_power_cut_keeps_synced_bytes_and_tears_others_at_sectors() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let bytes = bytes(&half_synced().after_power_cut(seed));
        assert!(bytes[..768].iter().all(|byte| *byte == 1), "seed {seed} lost synced bytes");
        // From 768 on: the rest of a sector, two whole sectors, and what lies behind the old end.
        for sector in [768..1024, 1024..1536, 1536..2048] {
            let bytes = &bytes[sector];
            assert!(bytes.iter().all(|byte| *byte == bytes[0]), "seed {seed} tore a sector");
        }
        seen.insert((bytes[768], bytes[1024], bytes[1536], bytes.len()));
    }
    let torn = seen.iter().filter(|found| found.0 != found.1 || found.1 != found.2).count();
    assert!(torn >= 6, "every combination of sectors is seen: {seen:?}");
    assert!(seen.contains(&(1, 1, 1, 2048)), "nothing survives: {seen:?}");
    assert!(seen.contains(&(2, 2, 2, 2816)), "everything survives: {seen:?}");
}

#[test]
fn a_change_of_length_may_be_lost() {
    let disk = half_synced();
    file(&disk).sync().unwrap();
    file(&disk).set_len(100).unwrap();
    let sizes: BTreeSet<usize> = (0..100).map(|seed| bytes(&disk.after_power_cut(seed)).len()).collect();
    assert_eq!(sizes, BTreeSet::from([100, 2816]));
}

#[test]
fn the_same_seed_loses_the_same_bytes() {
    for seed in 0..20 {
        assert_eq!(bytes(&half_synced().after_power_cut(seed)), bytes(&half_synced().after_power_cut(seed)));
    }
}

#[test]
fn a_crash_fails_its_call_and_all_after_it_on_every_file_and_takes_effect_only_when_asked() {
    for done in [false, true] {
        let disk = half_synced();
        let other = disk.open("other").unwrap();
        let file = file(&disk);
        // The files' names were the first and the third.
        disk.crash_at(Crash::Sync { at: 4, done });
        assert!(file.sync().is_err() && disk.has_crashed());
        for file in [&file, &other] {
            assert!(file.len().is_err() && file.sync().is_err() && file.read_at(0, &mut [0]).is_err());
            assert!(file.write_at(0, b"x").is_err() && file.set_len(1).is_err());
        }
        assert!(disk.open("other").is_err() && disk.names("folder").is_err());
        let is_whole = (0..50).all(|seed| bytes(&disk.after_power_cut(seed)) == bytes(&half_synced()));
        assert_eq!(is_whole, done, "a sync that took effect loses nothing");

        let disk = half_synced();
        disk.crash_at(Crash::Write { at: 3, done });
        assert!(disk.open("file").unwrap().write_at(0, b"x").is_err() && disk.has_crashed());
        assert_eq!(bytes(&disk.after_kill())[0], if done { b'x' } else { 1 });
    }
}

#[test]
fn a_file_whose_name_did_not_become_durable_may_be_gone() {
    for done in [false, true] {
        let disk = FaultyDisk::new();
        disk.crash_at(Crash::Sync { at: 1, done });
        assert!(disk.open("folder/a").is_err());
        assert_eq!(disk.after_kill().names("folder").unwrap(), ["folder/a"]);
        let left = (0..50).map(|seed| disk.after_power_cut(seed).names("folder").unwrap().len());
        assert_eq!(left.collect::<BTreeSet<_>>(), if done { [1].into() } else { BTreeSet::from([0, 1]) });
    }
}

#[test]
fn a_lying_disk_loses_what_was_synced() {
    let disk = FaultyDisk::new();
    disk.lie();
    let file = file(&disk);
    file.write_at(0, b"x").unwrap();
    file.sync().unwrap();
    assert!((0..50).any(|seed| bytes(&disk.after_power_cut(seed)).is_empty()));
}
