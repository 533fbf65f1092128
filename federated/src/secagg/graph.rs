//! Who is whose neighbour: a regular graph in random order.

use protocols::prg::Prg;

use crate::order::shuffled;

/// Clients on a circle in an order that a public coin gives; neighbours are the nearest (a Harary graph). With an odd number of
/// neighbours the one opposite is the last, so that clients are an even number then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Graph {
    /// The place of each client on the circle, and the client at each place.
    places: Vec<u32>,
    clients: Vec<u32>,
    neighbours: u32,
}

impl Graph {
    pub(super) fn new(clients: u32, neighbours: u32, coin: &[u8; 32]) -> Self {
        let mut seed = [0; 16];
        seed.copy_from_slice(
            &blake3::derive_key("unseen 2026-11 secure sum: neighbours", coin)[..16],
        );
        let order = shuffled(clients as usize, &mut Prg::new(&seed));
        let order: Vec<u32> = order.into_iter().filter_map(|at| u32::try_from(at).ok()).collect();
        let mut places = vec![0; order.len()];
        for (place, client) in (0..).zip(&order) {
            places[*client as usize] = place;
        }
        Self { places, clients: order, neighbours }
    }

    /// The neighbours of a client, ascending.
    pub(super) fn of(&self, client: u32) -> Vec<u32> {
        let (n, place) = (self.clients.len() as u64, u64::from(self.places[client as usize]));
        let half = u64::from(self.neighbours / 2);
        let around = (1..=half).flat_map(|by| [place + by, place + n - by]);
        let opposite = (self.neighbours % 2 == 1).then_some(place + n / 2);
        let at = |place: u64| self.clients[usize::try_from(place % n).unwrap_or(0)];
        let mut all: Vec<u32> = around.chain(opposite).map(at).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_as_many_neighbours_and_neighbours_have_each_other() {
        for (clients, neighbours) in [(3, 2), (10, 9), (11, 10), (40, 7), (41, 8), (100, 41)] {
            let graph = Graph::new(clients, neighbours, &[7; 32]);
            for client in 0..clients {
                let own = graph.of(client);
                assert_eq!(own.len(), neighbours as usize, "{clients} {neighbours}");
                assert!(!own.contains(&client));
                assert!(own.iter().all(|other| graph.of(*other).contains(&client)));
            }
            assert_ne!(graph, Graph::new(clients, neighbours, &[8; 32]), "the coin decides");
        }
    }
}
