use proptest::prelude::*;

use super::*;
use crate::table::{Column, Type, Value};

fn measure(piece: &Piece) -> usize {
    match piece {
        Piece::Head { text, .. } | Piece::Text(text) | Piece::Code(text) | Piece::Small(text) => {
            text.chars().count() + 2
        }
        Piece::Table(table) => text::table(table, None).chars().count(),
    }
}

fn shape(budget: usize) -> Shape {
    Shape { budget, measure, rows: 20, columns: 6, tables: 1, most: 60, width: 60, files: true }
}

fn table(rows: usize, cell: &str) -> Table {
    let mut table = Table::new(vec![Column::new("device", Type::Text), Column::new("n", Type::Int)]);
    for row in 0..rows {
        table.push(vec![Value::text(cell), Value::int(row)]);
    }
    table
}

#[test]
fn a_long_table_repeats_its_header_and_the_rest_is_a_file() {
    let block = Block::Table { title: None, table: table(97, "r1") };
    let answer = Answer { devices: 1, ..Answer::of("vrf all", vec![block]) };
    let Pages { pages, file, next } = cut(&answer, &shape(400));
    let rows: Vec<usize> = pages
        .iter()
        .flatten()
        .filter_map(|piece| match piece {
            Piece::Table(table) => Some(table.rows.len()),
            _ => None,
        })
        .collect();
    assert_eq!(rows.iter().sum::<usize>(), 60);
    assert!(rows.len() > 2 && rows.iter().all(|rows| *rows <= 20));
    let small = pages.iter().flatten().any(|piece| *piece == Piece::Small("37 rows more, as file".into()));
    assert!(small, "{pages:?}");
    assert_eq!(next, Some(61));
    let file = file.unwrap();
    assert_eq!((file.name.as_str(), file.text.lines().count()), ("vrf-all.csv", 98));
}

#[test]
fn a_wide_table_is_turned() {
    let mut wide = Table::new((0..9).map(|n| Column::new(format!("column{n}"), Type::Text)).collect());
    wide.push((0..9).map(|n| Value::text(format!("value {n}"))).collect());
    let answer = Answer::of("x", vec![Block::Table { title: None, table: wide }]);
    let pages = cut(&answer, &shape(4000)).pages;
    let Some(Piece::Code(code)) = pages[0].get(1) else { panic!("{pages:?}") };
    assert!(code.lines().all(|line| line.len() <= 60) && code.contains("value 8"), "{code}");
}

proptest! {
    /// Every message is within its budget, whatever the devices say, and no row is lost but to the file.
    #[test]
    fn every_page_fits(
        cell in "\\PC{0,200}", lines in "[a-z \n`<|]{0,900}", rows in 0_usize..80, budget in 120_usize..3000
    ) {
        let blocks = vec![
            Block::Table { title: Some(cell.clone()), table: table(rows, &cell) },
            Block::Code { title: "r1: show x".into(), text: lines },
        ];
        let answer = Answer { notes: vec![cell.clone()], ..Answer::of(cell, blocks) };
        let shape = shape(budget);
        let cut = cut(&answer, &shape);
        for page in &cut.pages {
            let size: usize = page.iter().map(measure).sum();
            prop_assert!(size <= budget, "{} of {}", size, budget);
            prop_assert!(page.iter().filter(|piece| matches!(piece, Piece::Table(_))).count() <= 1);
        }
    }
}
