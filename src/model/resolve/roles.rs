//! Data or management: the role of every leg (language reference, "Management leg").

use super::Resolver;
use crate::model::site::{LegRole, Place};
use crate::syntax::objects::Stage;

impl Resolver {
    /// A leg in a segment of class `management` has the role mgmt, every other the role data; but the legs of a component
    /// that stands only in management segments, and of a gateway with `stage: management`, are data legs.
    pub(super) fn roles(&mut self) {
        for id in self.site.gateways.ids() {
            if self.site.gateways[id].stage() == Some(Stage::Management) {
                continue;
            }
            for index in 0..self.site.gateways[id].interfaces.len() {
                let role = self.role(self.site.gateways[id].interfaces[index].leg.place);
                self.site.gateways[id].interfaces[index].leg.role = role;
            }
        }
        for id in self.site.components.ids() {
            let roles: Vec<LegRole> = self.site.components[id].legs.iter().map(|leg| self.role(leg.place)).collect();
            let clustered = self.site.components[id].namespace.is_some();
            if !clustered && roles.iter().all(|role| *role == LegRole::Mgmt) {
                continue;
            }
            for (leg, role) in self.site.components[id].legs.iter_mut().zip(roles) {
                leg.role = role;
            }
        }
    }

    fn role(&self, place: Place) -> LegRole {
        let management = self.site.zone_of(place).is_some_and(|zone| self.site.zones[zone].class == "management");
        if management { LegRole::Mgmt } else { LegRole::Data }
    }
}
