//! Text files: what identifies one, and the words in it.

use crate::words::{key, words};
use futures::{Stream, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::Xxh3;

/// A text file as a run found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Where it lies, absolute, so that a run can be resumed from another folder.
    pub path: PathBuf,
    bytes: u64,
    /// The xxh3-128 of its content, in hexadecimal digits.
    hash: String,
    /// How many words it has.
    pub words: u64,
}

impl Text {
    /// Reads each file through, one line in memory at a time.
    pub fn survey<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Vec<Self>, Error> {
        let paths = paths.into_iter();
        paths.map(|path| Self::read(path.as_ref()).map_err(Error::unreadable(path.as_ref()))).collect()
    }

    fn read(path: &Path) -> io::Result<Self> {
        let mut text = Self { path: path.canonicalize()?, bytes: 0, hash: String::new(), words: 0 };
        let mut file = BufReader::new(File::open(path)?);
        let mut hash = Xxh3::new();
        let mut line = Vec::new();
        while file.read_until(b'\n', &mut line)? > 0 {
            hash.update(&line);
            text.bytes += line.len() as u64;
            text.words += words(&String::from_utf8_lossy(&line)).count() as u64;
            line.clear();
        }
        text.hash = format!("{:032x}", hash.digest128());
        Ok(text)
    }

    /// The keys of the words of all texts, in order. Invalid UTF-8 becomes U+FFFD, which is part of no word.
    pub fn keys(texts: &[Self]) -> impl Stream<Item = Result<String, Error>> {
        let lines = stream::iter(texts.iter().map(Self::lines)).map_ok(stream::iter).try_flatten();
        let keys = |line: String| stream::iter(words(&line).map(key).map(Ok).collect::<Vec<_>>());
        lines.map_ok(keys).try_flatten()
    }

    fn lines(&self) -> Result<impl Iterator<Item = Result<String, Error>>, Error> {
        let file = File::open(&self.path).map_err(Error::unreadable(&self.path))?;
        let lines = BufReader::new(file).split(b'\n');
        Ok(lines.map(|line| match line {
            Ok(line) => Ok(String::from_utf8_lossy(&line).into_owned()),
            Err(source) => Err(Error::unreadable(&self.path)(source)),
        }))
    }

    /// Requires that the texts found are those that a run began with, to the byte.
    pub fn require_same(begun: &[Self], found: &[Self]) -> Result<(), Error> {
        if !begun.iter().map(|text| &text.path).eq(found.iter().map(|text| &text.path)) {
            return Err(Error::Other { begun: begun.iter().map(|text| text.path.clone()).collect() });
        }
        match begun.iter().zip(found).find(|(begun, found)| begun != found) {
            Some((begun, _)) => Err(Error::Changed { path: begun.path.clone() }),
            None => Ok(()),
        }
    }
}

/// A text that cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}` has changed since its run began: restore it, or begin a new run without --resume", path.display())]
    Changed { path: PathBuf },
    #[error("the unfinished run counts other files: give these or none: {}", list(begun))]
    Other { begun: Vec<PathBuf> },
}

impl Error {
    fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Unreadable { path: path.to_owned(), source }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    paths.join(", ")
}
